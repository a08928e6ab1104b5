/** What docs/parity.md may name as ours, and how what is not there yet answers. */
import type { z } from 'zod'
import { modelConfigSchema } from '../src/environment/models/model-config.ts'
import { repoConfigSchema } from '../src/environment/repos/repo-config.ts'
import { sandboxConfigSchema } from '../src/environment/sandbox-config.ts'
import * as seer from '../src/index.ts'
import type { LocalNotebookOptions, RunAgentOptions } from '../src/index.ts'
import type { NotebookSession } from '../src/session/notebook-session.ts'
import { ScopedSandbox } from '../src/interface/scoped-sandbox.ts'
import type { CliSession } from '../src/session/cli-session.ts'
import type { LocalNotebookSession } from '../src/session/local-notebook-session.ts'
import type { LocalSession } from '../src/session/local-session.ts'
import type { Notebook } from '../src/tools/notebook.ts'
import { originalTools } from '../src/tools/original-tools.ts'
import { Library } from '../src/workspace/library.ts'
import { Skill } from '../src/workspace/skill.ts'
import { Workspace } from '../src/workspace/workspace.ts'

const { Sandbox } = seer

/** Held by the compiler: these are fields, which no prototype has. */
const SESSION: readonly (keyof NotebookSession & string)[] = [
  'mcpConfig',
  'jupyterUrl',
  'modelInfoText',
  'sessionId',
  'workspacePath',
  'exec',
  'terminate',
]
const LOCAL: readonly (keyof LocalSession & string)[] = ['mcpConfig', 'name', 'workspaceDir']
const LOCAL_NOTEBOOK: readonly (keyof LocalNotebookSession & string)[] = [
  'mcpConfig',
  'jupyterUrl',
  'notebookPath',
  'workspacePath',
  'exec',
  'terminate',
]
const CLI: readonly (keyof CliSession & string)[] = ['mcpConfig', 'sessionId', 'exec', 'execShell']
const LOCAL_NOTEBOOK_OPTIONS: readonly (keyof LocalNotebookOptions)[] = ['workspace', 'name', 'outputDir']
const RUN_AGENT: readonly (keyof RunAgentOptions)[] = ['prompt', 'mcpConfig', 'provider', 'model', 'userMessage']

const MEMBERS: Readonly<Record<string, () => readonly string[]>> = {
  SandboxConfig: () => keysOf(sandboxConfigSchema),
  ModelConfig: () => keysOf(modelConfigSchema),
  RepoConfig: () => keysOf(repoConfigSchema),
  ExecutionMode: () => Object.keys(seer.ExecutionMode),
  Sandbox: () => [...Object.getOwnPropertyNames(Sandbox.prototype), ...Object.getOwnPropertyNames(Sandbox)],
  Library: () => [...Object.getOwnPropertyNames(Library.prototype), ...Object.getOwnPropertyNames(Library)],
  Workspace: () => [
    ...Object.getOwnPropertyNames(Workspace.prototype),
    ...optionsOf(() => new Workspace({ there: 'is no such option' } as never)),
  ],
  Skill: () => Object.getOwnPropertyNames(Skill),
  NotebookSession: () => [...SESSION],
  ScopedSandbox: () => [
    ...Object.getOwnPropertyNames(ScopedSandbox.prototype),
    ...Object.getOwnPropertyNames(ScopedSandbox),
  ],
  LocalSession: () => [...LOCAL],
  LocalNotebookSession: () => [...LOCAL_NOTEBOOK],
  CliSession: () => [...CLI],
  RunAgentOptions: () => [...RUN_AGENT],
  LocalNotebookOptions: () => [...LOCAL_NOTEBOOK_OPTIONS],
  createNotebookSession: () => parametersOf(seer.createNotebookSession),
  createLocalSession: () => parametersOf(seer.createLocalSession),
  createCliSession: () => parametersOf(seer.createCliSession),
  tool: () => originalTools({ kernel: {} } as Notebook).map(({ name }) => name),
}

/** `Owner.member`, or `function()` of the public API. */
export function isHere(name: string): boolean {
  if (name.endsWith('()')) return name.slice(0, -2) in seer
  const [owner = '', member = ''] = name.split('.')
  return MEMBERS[owner]?.().includes(member) ?? false
}

function keysOf(schema: z.ZodObject): string[] {
  return Object.keys(schema.shape)
}

/** Types are only stripped: the names are there when it runs. */
function parametersOf(declared: (...args: never[]) => unknown): string[] {
  // Up to the first brace: no parameter of ours is taken apart.
  const [, list = ''] = /\(([^{]*)/.exec(String(declared)) ?? []
  return [...list.matchAll(/(\w+)\s*(?:=|,|\)\s*$)/g)].map((match) => match[1]!)
}

/** From the error about an unknown one. */
function optionsOf(make: () => unknown): string[] {
  try {
    make()
  } catch (error) {
    const hint = error instanceof seer.SeerError ? (error.hint ?? '') : ''
    return hint
      .replace(/^The keys are: /, '')
      .replace(/\.$/, '')
      .split(', ')
  }
  throw new Error('it takes any option')
}

const NO_EXPORT = 'no such export'
const exported = (name: string) => () => (name in seer ? 'exported' : NO_EXPORT)
const sandboxWith = (config: object) => () => new Sandbox(config)

/** How to ask for what is not there yet. The answer is the code of the error, or the returned words. */
const ASKED: Readonly<Record<string, () => unknown>> = {
  'SandboxConfig.system_packages': sandboxWith({ systemPackages: ['graphviz'] }),
  'SandboxConfig.debug': sandboxWith({ debug: true }),
  'Sandbox.jupyter_url': () => new Sandbox().jupyterUrl,
  'Sandbox.code_server_url': () => new Sandbox().codeServerUrl,
  'ModelConfig.hidden': sandboxWith({ models: [{ name: 'embedded', hidden: true }] }),
  'RepoConfig.dockerfile': sandboxWith({ repos: [{ url: 'org/repo', dockerfile: 'Dockerfile' }] }),
  'create_cli_session.workspace_dir': () => seer.createCliSession(new Workspace() as never, './workspace' as never),
  'run_agent_interactive()': exported('runAgentInteractive'),
  'run_agent_interactive.prompt': exported('runAgentInteractive'),
  'run_agent_interactive.mcp_config': exported('runAgentInteractive'),
  'run_agent_interactive.provider': exported('runAgentInteractive'),
  'run_agent_interactive.model': exported('runAgentInteractive'),
  'run_agent_interactive.user_message': exported('runAgentInteractive'),
}
export async function answerOf(there: string): Promise<string> {
  const ask = ASKED[there]
  if (!ask) return 'nobody asked'
  try {
    const answer = await ask()
    return typeof answer === 'string' ? answer : 'it works'
  } catch (error) {
    return error instanceof seer.SeerError ? error.code : String(error)
  }
}
