/** A session without a notebook: an agent works in a sandbox by commands, each a process of its own. */
import { z } from 'zod'
import { modelForLog } from '../environment/models/model-for-log.ts'
import { Sandbox } from '../environment/sandbox.ts'
import { SeerError } from '../errors.ts'
import { interfacesOf } from '../interface/client-library.ts'
import { publish, type McpConfig } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import { fileTools } from '../tools/file-tools.ts'
import { callsFindingTool } from '../tools/finding-tool.ts'
import { pythonTool, shellTools, type Shell } from '../tools/shell-tools.ts'
import { toolsVersion, type Tool } from '../tools/tool.ts'
import { Workspace } from '../workspace/workspace.ts'
import { filesOf } from './files-of.ts'
import { cliInfoText } from './model-info.ts'
import { emitEnd } from './open-notebook.ts'
import { checkWorkspace } from './check-workspace.ts'
import { placeWorkspace, pythonPath } from './place-workspace.ts'
import { openCallers, openCalls, type Callers } from './session-calls.ts'
import { sessionEnded } from './session-ended.ts'

const optionsSchema = z.strictObject({
  /** The schema of a finding's `answer`. With it the agent ends by submitting one, which rests on its commands. */
  answer: z.instanceof(z.ZodObject).optional(),
})

export class CliSession {
  readonly sessionId: string
  /** For `runAgent`. */
  readonly mcpConfig: McpConfig
  /** The same tools, for code of this process. */
  readonly tools: readonly Tool[]
  /** What the agent should know of the place, for its prompt. */
  readonly modelInfoText: string
  readonly workspacePath: string
  readonly #sandbox: Sandbox
  readonly #env: Readonly<Record<string, string>>
  readonly #callers: Callers
  readonly #close: () => Promise<void>
  #ending: Promise<void> | undefined

  constructor(
    sandbox: Sandbox,
    sessionId: string,
    about: Pick<CliSession, 'tools' | 'mcpConfig'> & {
      info: string
      env: Readonly<Record<string, string>>
      callers: Callers
      close: () => Promise<void>
    },
  ) {
    this.sessionId = sessionId
    this.tools = about.tools
    this.modelInfoText = about.info
    this.workspacePath = sandbox.workspacePath
    this.#sandbox = sandbox
    this.#env = about.env
    this.mcpConfig = about.mcpConfig
    this.#callers = about.callers
    this.#close = about.close
  }

  /** What Python code printed, in a process of its own. Throws an `ExecError` with the traceback. */
  async exec(code: string): Promise<string> {
    if (this.#ending) throw sessionEnded(this.sessionId)
    return this.#callers.during('researcher', () => this.#sandbox.execPython(code, { env: { ...this.#env } }))
  }

  /** What a command printed to stdout. Throws an `ExecError` for an exit code other than 0. */
  async execShell(command: string): Promise<string> {
    if (this.#ending) throw sessionEnded(this.sessionId)
    return this.#callers.during('researcher', () => this.#sandbox.exec(command, { env: { ...this.#env } }))
  }

  /** Takes the tools back. What runs ends with the sandbox. Idempotent. */
  terminate(): Promise<void> {
    this.#ending ??= this.#close().finally(() => emitEnd(this.#sandbox, this.sessionId, 'terminated'))
    return this.#ending
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}

/** Opens a session of commands in a sandbox: libraries, skills and files are copied, and no kernel starts. Models lie there to be loaded. */
export async function createCliSession(
  sandbox: Sandbox,
  workspace: Workspace = new Workspace(),
  options: z.input<typeof optionsSchema> = {},
): Promise<CliSession> {
  // A script's types are not checked when it runs, and this was once documented as (workspace, workspaceDir).
  if (!(sandbox instanceof Sandbox)) throw noSandbox()
  checkWorkspace('createCliSession', workspace)
  const { answer } = parseOptions('createCliSession', optionsSchema, options)
  const { run } = sandbox
  const session = sandbox.newSessionId()
  await placeWorkspace(sandbox, workspace)
  const callers = openCallers(sandbox, session)
  const calls = await openCalls(sandbox, session, interfacesOf(workspace), callers)
  const env = { ...calls.env, PYTHONPATH: pythonPath(workspace, sandbox.workspacePath) }
  const started = new Set<string>()
  const shell: Shell = {
    env,
    during: callers.during,
    async start(spec) {
      const process = await sandbox.startProcess(spec)
      started.add(process.id)
      return process
    },
  }
  const submit = answer ? [callsFindingTool((id) => started.has(id), answer)] : []
  const tools = [...shellTools(shell), pythonTool(shell), ...fileTools(filesOf(sandbox)), ...submit]
  run.emit({
    type: 'session-start',
    by: 'system',
    session,
    sandbox: sandbox.sandboxId,
    kind: 'cli',
    toolsVersion: toolsVersion(tools),
    libraries: workspace.libraries.map(({ name, sha256 }) => ({ name, sha256 })),
    ...(workspace.skills.length > 0 ? { skills: workspace.skills.map(({ name, sha256 }) => ({ name, sha256 })) } : {}),
    models: sandbox.modelHandles.map(modelForLog),
  })
  const info = cliInfoText(sandbox.modelHandles, workspace, sandbox)
  const settle = () => Promise.resolve()
  const { config, withdraw } = await publish('shell', { run, tools, settle, session, instructions: info })
  const close = async () => {
    withdraw()
    await calls.close()
  }
  return new CliSession(sandbox, session, { tools, mcpConfig: config, info, env, callers, close })
}

function noSandbox(): SeerError {
  return new SeerError('invalid-options', {
    message: 'createCliSession: the first argument is not a sandbox.',
    hint: 'createCliSession(sandbox, workspace). For commands that work on a folder of this machine: createLocalSession(workspace, workspaceDir).',
  })
}
