/** Everything that Seer offers to a script. Each name is listed by hand, and a test holds the list. */
export { z } from 'zod'
export { SeerError } from './errors.ts'

// Sandboxes and what an agent finds in them.
export { Sandbox } from './environment/sandbox.ts'
export type { DetachOptions } from './environment/detach-sandbox.ts'
export { ExecutionMode, type SandboxConfig } from './environment/sandbox-config.ts'
export type { Command, ExecOptions } from './environment/exec/exec.ts'
export { ExecError, type ExecOutput } from './environment/exec/exec-error.ts'
export type { ProcessEnd, SandboxProcess } from './environment/exec/sandbox-process.ts'
export type { OutputChunk } from './environment/exec/process-output.ts'
export type { StartOptions } from './environment/start-sandbox.ts'
export type { Download } from './environment/files/download.ts'
export type { TreeLimits } from './environment/files/limits.ts'
export type { Upload } from './environment/files/upload.ts'
export type { Snapshot } from './environment/snapshot/snapshot.ts'
export type { RepoConfig } from './environment/repos/repo-config.ts'
export type { RepoHandle } from './environment/repos/place-repos.ts'
export type { ModelConfig } from './environment/models/model-config.ts'
export type { ModelHandle } from './environment/models/model-handle.ts'
export { Workspace } from './workspace/workspace.ts'
export { Library } from './workspace/library.ts'
export { Skill } from './workspace/skill.ts'

// Functions that an agent can call, and nothing else.
export { ScopedSandbox, type ServeOptions } from './interface/scoped-sandbox.ts'

// Sessions: where an agent works.
export { createCliSession, type CliSession } from './session/cli-session.ts'
export {
  createLocalNotebookSession,
  type LocalNotebookOptions,
  type LocalNotebookSession,
} from './session/local-notebook-session.ts'
export { createLocalSession, type LocalSession, type LocalSessionOptions } from './session/local-session.ts'
export { attachNotebookSession, type AttachSessionOptions } from './session/attach-notebook-session.ts'
export { createNotebookSession, type ExecResult, type NotebookSession } from './session/notebook-session.ts'
export type { McpConfig } from './mcp/local.ts'
export {
  defineTool,
  runTool,
  toolsVersion,
  type ContentBlock,
  type Tool,
  type ToolAnnotations,
  type ToolCall,
  type ToolContext,
  type ToolResult,
} from './tools/tool.ts'

// Agents.
export { runAgent, type AgentRun, type RunAgentOptions } from './harness/run-agent.ts'
export type { AgentContext, AgentEnd, AgentRequest, Provider } from './harness/agent.ts'
export { claudeProvider, DEFAULT_CLAUDE_MODEL } from './harness/claude.ts'

// Experiments.
export { experiment, type Experiment, type ExperimentContext } from './experiment/experiment.ts'

// Runs and their records.
export { Run } from './run/run.ts'
export type { EventOf, EventType, Finding, RunEvent, UnknownEvent } from './run/events.ts'
export { readEvents, readLog } from './run/log-reader.ts'
export { resolveRun } from './run/paths.ts'
export { fold, type Fold } from './run/fold.ts'
export { cellsFold, type CellState, type CellsState } from './run/fold-cells.ts'
export { findingsFold, type SubmittedFinding } from './run/fold-findings.ts'
export { notebookFold, notebookOf } from './run/fold-notebook.ts'
export { summaryFold, type Summary } from './run/fold-summary.ts'
export { checkRun, type CheckResult } from './run/check.ts'
