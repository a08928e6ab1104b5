/**
 * A local session: a place on this machine for an agent whose model is elsewhere, behind a scoped sandbox. It has Python and a shell,
 * both behind a wall of their own; the libraries of its workspace import there, served ones too. No agent gets the shell of this machine.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { Sandbox } from '../environment/sandbox.ts'
import { sandboxConfigSchema } from '../environment/sandbox-config.ts'
import type { McpConfig } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import { Run } from '../run/run.ts'
import { shellTools } from '../tools/shell-tools.ts'
import type { Tool } from '../tools/tool.ts'
import { Workspace } from '../workspace/workspace.ts'
import { bringFiles, takeFilesBack } from './local-files.ts'
import { openSession, type ExecResult, type NotebookSession } from './notebook-session.ts'
import type { SessionPlace } from './opening.ts'

const { pythonPackages, secrets, env, network, timeout, unconfined } = sandboxConfigSchema.shape

const optionsSchema = z.strictObject({
  name: z.string().min(1).default('local-session'),
  /** The schema of a finding's `answer`. Without it a finding is a claim in words. */
  answer: z.instanceof(z.ZodObject).optional(),
  /** As of a sandbox. Without a network of its own: served functions are reached all the same. */
  pythonPackages,
  secrets,
  env,
  network,
  timeout,
  unconfined,
  run: z.custom<Run>((value) => value instanceof Run, 'is not a Run').optional(),
})
export type LocalSessionOptions = z.input<typeof optionsSchema>

export class LocalSession {
  readonly name: string
  readonly sessionId: string
  /** For `runAgent`. */
  readonly mcpConfig: McpConfig
  /** The same tools, for code of this process. */
  readonly tools: readonly Tool[]
  /** What the agent should know of the place, for its prompt. */
  readonly modelInfoText: string
  /** On this machine: where its files come from, and where they lie at the end. */
  readonly workspaceDir: string
  /** As its code sees it. */
  readonly workspacePath: string
  readonly #sandbox: Sandbox
  readonly #session: NotebookSession
  readonly #place: SessionPlace
  #ending: Promise<void> | undefined

  constructor(name: string, workspaceDir: string, session: NotebookSession, place: SessionPlace) {
    this.name = name
    this.workspaceDir = workspaceDir
    this.sessionId = session.sessionId
    this.mcpConfig = session.mcpConfig
    this.tools = session.tools
    this.modelInfoText = session.modelInfoText
    this.workspacePath = session.workspacePath
    this.#sandbox = place.sandbox
    this.#place = place
    this.#session = session
  }

  /** Runs Python in the session's kernel, as the researcher: the cell is in the notebook. Waits until it has ended. */
  exec(code: string): Promise<ExecResult> {
    return this.#session.exec(code)
  }

  /** What a command printed to stdout, as the researcher. Throws an `ExecError` as `Sandbox.exec` does. */
  execShell(command: string): Promise<string> {
    const { env, callers } = this.#place
    return callers.during('researcher', () => this.#sandbox.exec(command, { env: { ...env } }))
  }

  /** Takes the tools back, brings the files to `workspaceDir` and ends all that runs. Idempotent. */
  terminate(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    try {
      await this.#session.terminate()
      if (!this.#sandbox.connection.refusal) await takeFilesBack(this.#sandbox, this.workspaceDir)
    } finally {
      await this.#sandbox.terminate()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}

/**
 * Opens a local session. `workspaceDir` is a folder of this machine: its files are copied into the workspace at the start, and what lies
 * there at the end is copied back; without one they come to the folder `workspace` of the run. Throws a SeerError where nothing confines.
 */
export async function createLocalSession(
  workspace: Workspace = new Workspace(),
  workspaceDir?: string,
  options: LocalSessionOptions = {},
): Promise<LocalSession> {
  const { name, answer, run, ...config } = parseOptions('createLocalSession', optionsSchema, options)
  const sandbox = await Sandbox.start(config, run ? { run } : {})
  try {
    const folder = workspaceDir ?? join(sandbox.run.folder, 'workspace')
    if (workspaceDir !== undefined) await bringFiles(sandbox, workspaceDir)
    let place: SessionPlace | undefined
    const session = await openSession(sandbox, workspace, answer ? { answer } : {}, {
      kind: 'local',
      moreTools(own) {
        // That of the session itself comes first; others may be opened in it, each with a kernel of its own.
        place ??= own
        const { env: variables, callers } = own
        return shellTools({ start: (spec) => sandbox.startProcess(spec), env: variables, during: callers.during })
      },
    })
    return new LocalSession(name, folder, session, place!)
  } catch (error) {
    await sandbox.terminate().catch(() => undefined)
    throw error
  }
}
