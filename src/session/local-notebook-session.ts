/**
 * A notebook on this machine without a model in it: for models that are reached by an API, and for work with data. Its own sandbox is
 * behind the wall, and reaches the hosts of the APIs whose keys it was given.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { Sandbox } from '../environment/sandbox.ts'
import { sandboxConfigSchema } from '../environment/sandbox-config.ts'
import { SeerError } from '../errors.ts'
import type { McpConfig } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import { currentRun, useRun, type RunUse } from '../run/current.ts'
import { Run } from '../run/run.ts'
import { openScriptRun } from '../run/script-run.ts'
import type { Tool } from '../tools/tool.ts'
import { Workspace } from '../workspace/workspace.ts'
import { hostsOfSecrets } from './api-hosts.ts'
import { openSession, type ExecResult, type NotebookSession } from './notebook-session.ts'

const { pythonPackages, secrets, env, network, timeout, unconfined, localDirs, localFiles } = sandboxConfigSchema.shape

const portSchema = z.int().min(1024).max(65_535)

const optionsSchema = z.strictObject({
  workspace: z.instanceof(Workspace).optional(),
  /** Of the session; in a plain script also of its run. */
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'is letters, digits, dots, hyphens and underscores')
    .default('notebook'),
  /** Where a plain script's run folder is made; `./outputs` unless said otherwise. An experiment's run has its folder already. */
  outputDir: z.string().min(1).optional(),
  /** The schema of a finding's `answer`. Without it a finding is a claim in words. */
  answer: z.instanceof(z.ZodObject).optional(),
  pythonPackages,
  secrets,
  env,
  localDirs,
  localFiles,
  /** As of a sandbox. Without it: the hosts of the APIs whose keys `secrets` names, else none. */
  network: network.unwrap().optional(),
  timeout,
  unconfined,
  /** Servers of other sandboxes that its code finds on its own loopback: at `to`, else at the same port. */
  ports: z
    .array(z.strictObject({ from: z.instanceof(Sandbox), port: portSchema, to: portSchema.optional() }))
    .default([]),
  run: z.custom<Run>((value) => value instanceof Run, 'is not a Run').optional(),
})
export type LocalNotebookOptions = z.input<typeof optionsSchema>

export class LocalNotebookSession {
  readonly name: string
  readonly sessionId: string
  /** For `runAgent`. */
  readonly mcpConfig: McpConfig
  /** The same tools, for code of this process. */
  readonly tools: readonly Tool[]
  /** What the agent should know of the notebook, for its prompt. */
  readonly modelInfoText: string
  /** On this machine; written while the session goes on. */
  readonly notebookPath: string
  /** Where libraries and files lie, as the notebook's code sees it. */
  readonly workspacePath: string
  readonly #sandbox: Sandbox
  readonly #session: NotebookSession
  readonly #use: RunUse
  #ending: Promise<void> | undefined

  constructor(name: string, sandbox: Sandbox, session: NotebookSession, use: RunUse) {
    this.name = name
    this.sessionId = session.sessionId
    this.mcpConfig = session.mcpConfig
    this.tools = session.tools
    this.modelInfoText = session.modelInfoText
    this.notebookPath = join(sandbox.run.folder, 'notebook.ipynb')
    this.workspacePath = session.workspacePath
    this.#sandbox = sandbox
    this.#session = session
    this.#use = use
  }

  /** Runs Python in the notebook, as the researcher. Waits until the cell has ended. */
  exec(code: string): Promise<ExecResult> {
    return this.#session.exec(code)
  }

  /** As {@link NotebookSession.jupyterUrl}. */
  get jupyterUrl(): Promise<string> {
    return this.#session.jupyterUrl
  }

  /** Ends the notebook's kernel, and its sandbox. What was printed is in the run's folder. Idempotent. */
  terminate(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    try {
      await this.#session.terminate()
    } finally {
      try {
        await this.#sandbox.terminate()
      } finally {
        await this.#use.release()
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}

/** Opens a notebook on this machine, behind a wall of its own. Throws a SeerError for a missing secret, and where nothing confines. */
export async function createLocalNotebookSession(options: LocalNotebookOptions = {}): Promise<LocalNotebookSession> {
  const parsed = parseOptions('createLocalNotebookSession', optionsSchema, options)
  const { workspace = new Workspace(), name, outputDir, answer, run, ports, ...config } = parsed
  refuseOutputDir(outputDir, run)
  const use = useRun(run, () => openScriptRun({ unconfined: config.unconfined, name, outputDir }))
  try {
    const { network: given = hostsOfSecrets(config.secrets) } = config
    const sandbox = await Sandbox.start({ ...config, network: given }, { run: use.run })
    try {
      for (const { from, port, to } of ports)
        await sandbox.forwardPort({ from, port, ...(to === undefined ? {} : { to }) })
      const session = await openSession(sandbox, workspace, answer ? { answer } : {}, {
        kind: 'local-notebook',
        reached: ports.flatMap(({ from }) => from.modelHandles),
      })
      return new LocalNotebookSession(name, sandbox, session, use)
    } catch (error) {
      await sandbox.terminate().catch(() => undefined)
      throw error
    }
  } catch (error) {
    await use.release(error)
    throw error
  }
}

function refuseOutputDir(outputDir: string | undefined, run: Run | undefined): void {
  if (outputDir === undefined || !(run ?? currentRun())) return
  throw new SeerError('invalid-options', {
    message: 'createLocalNotebookSession: there is a run already, and its folder is not outputDir.',
    hint: 'Leave outputDir out; `seer run --output-dir` says where runs go.',
  })
}
