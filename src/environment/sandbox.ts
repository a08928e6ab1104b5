/**
 * A sandbox: a machine, prepared (packages, models) and with a host process on it, ready for sessions.
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { HostConnection } from '../channel/host-connection.ts'
import { deadHostConnection } from '../channel/dead-host.ts'
import { Journal } from '../channel/journal.ts'
import { connectHost, startHost } from '../channel/start-host.ts'
import { firstError, SeerError } from '../errors.ts'
import { parseOptions } from '../options.ts'
import { useRun, type RunUse } from '../run/current.ts'
import type { Secret } from '../run/redactor.ts'
import type { Run } from '../run/run.ts'
import { formsOf } from '../run/secret-forms.ts'
import { openScriptRun } from '../run/script-run.ts'
import type { Layout, Machine } from '../sandbox/backend.ts'
import { startLocalMachine } from '../sandbox/local/local.ts'
import { INSIDE } from '../sandbox/local/wall/wall.ts'
import { showWaiting } from '../status-line.ts'
import { wallOfSandbox } from './choose-confinement.ts'
import { journalSink } from './journal-sink.ts'
import { kernelEnvironment } from './kernel-environment.ts'
import { checkModels, modelConfigSchema } from './models/model-config.ts'
import { modelFolders, movedTo, type ModelHandle } from './models/model-handle.ts'
import { prepare } from './prepare.ts'
import { showProgress, type Progress } from './progress.ts'
import { hideSecrets, readSecrets } from './secrets.ts'

const LEASE_SECONDS = 120
const SHUTDOWN_MS = 20_000
const CELL_DISK_CAP_BYTES = 1024 ** 3
const SECONDS_PER_DAY = 86_400

export const sandboxConfigSchema = z.strictObject({
  models: z.array(modelConfigSchema).default([]),
  /** As pip takes them. What Seer itself needs is always there. */
  pythonPackages: z.array(z.string()).default([]),
  /** Environment variables of the kernel, which gets nothing else of this machine's environment. */
  env: z.record(z.string(), z.string()).default({}),
  /** Names of variables that its kernels get from the environment or `.env`, and that are hidden in all that the run writes. */
  secrets: z.array(z.string()).default([]),
  /** Seconds after which the sandbox ends itself. */
  timeout: z
    .number()
    .min(60, 'is in seconds; at least 60')
    .max(7 * SECONDS_PER_DAY, 'is in seconds; at most 7 days')
    .default(3600),
  /** For scripts: no wall, so the agent's code has all your rights on this machine. With `seer run`, type `--unconfined`. */
  unconfined: z.boolean().default(false),
})
export type SandboxConfig = z.input<typeof sandboxConfigSchema>

export interface StartOptions {
  readonly run?: Run
  readonly signal?: AbortSignal
  readonly progress?: Progress
}

interface Parts {
  readonly use: RunUse
  readonly machine: Machine
  readonly layout: Layout
  readonly connection: HostConnection
  readonly journal: Journal
  readonly modelHandles: readonly ModelHandle[]
  readonly python: string
}

export class Sandbox {
  readonly sandboxId: string
  /** The folder where the agent's code runs, as that code sees it. */
  readonly workspacePath: string
  readonly modelHandles: readonly ModelHandle[]
  readonly run: Run
  /** The sandbox's own interpreter; also checks the run's notebook. */
  readonly python: string
  /** For sessions: the way to the host. */
  readonly connection: HostConnection
  readonly journal: Journal
  readonly #machine: Machine
  readonly #layout: Layout
  readonly #use: RunUse
  /** Takes back what the run was told to do before its end. */
  readonly #notBeforeEnd: () => void
  #terminated: Promise<void> | undefined

  private constructor(parts: Parts) {
    this.sandboxId = parts.machine.id
    this.workspacePath = parts.layout.workspaceInside
    this.modelHandles = parts.modelHandles
    this.run = parts.use.run
    this.python = parts.python
    this.connection = parts.connection
    this.journal = parts.journal
    this.#machine = parts.machine
    this.#layout = parts.layout
    this.#use = parts.use
    this.#notBeforeEnd = this.run.beforeEnd(() => this.terminate())
  }

  /**
   * Prepares packages and models (from the cache after the first time) and starts the sandbox.
   * Throws a SeerError for unknown options, a missing secret, a missing Python, no network at set-up, and a host that does not start.
   */
  static async start(config: SandboxConfig = {}, options: StartOptions = {}): Promise<Sandbox> {
    const parsed = parseOptions('Sandbox', sandboxConfigSchema, config)
    checkModels(parsed.models)
    const secrets = readSecrets(parsed.secrets, parsed.env)
    const use = useRun(options.run, () => openScriptRun(parsed))
    try {
      hideSecrets(use.run, secrets)
      return await Sandbox.#start(parsed, secrets, use, options)
    } catch (error) {
      await use.release(error)
      throw error
    }
  }

  static async #start(
    config: z.output<typeof sandboxConfigSchema>,
    secrets: readonly Secret[],
    use: RunUse,
    options: StartOptions,
  ): Promise<Sandbox> {
    const { run } = use
    using shown = options.progress ? undefined : showProgress()
    const progress = options.progress ?? shown ?? (() => undefined)
    const signal = options.signal ? AbortSignal.any([options.signal, run.signal]) : run.signal
    const bwrap = await wallOfSandbox(config.unconfined, run.start)
    const prepared = await prepare(config, { signal, progress })
    const { environment } = prepared
    copyFileSync(environment.lock, join(run.folder, 'source', 'env.lock'))
    const id = `sb-${randomBytes(5).toString('hex')}`
    const { machine, layout, attach, prepareWall } = await startLocalMachine(id, run.folder, { bwrap })
    const modelHandles = prepareWall ? movedTo(prepared.modelHandles, INSIDE.model) : prepared.modelHandles
    try {
      const models = modelFolders(prepared.modelHandles)
      const built = await prepareWall?.({ python: environment.python, models })
      run.emit({
        type: 'sandbox-start',
        by: 'system',
        sandbox: id,
        backend: 'local',
        confinement: built ? 'bubblewrap' : 'none',
        environment: environment.id,
        workspacePath: layout.workspaceInside,
        ...(built ? { limits: { ...built.limits } } : {}),
        ...(secrets.length > 0 ? { secrets: secrets.map(({ name }) => name) } : {}),
        attach: { ...attach, python: environment.python },
      })
      const host = {
        sandbox: id,
        python: environment.python,
        kernelEnv: kernelEnvironment(built ? INSIDE.python : environment.python, layout, {
          ...config.env,
          ...Object.fromEntries(secrets.map(({ name, value }) => [name, value])),
        }),
        redact: secrets.map(({ name, value }) => ({ name, forms: formsOf(value) })),
        wall: built?.wall,
        leaseSeconds: LEASE_SECONDS,
        deadlineSeconds: config.timeout,
        cellDiskCapBytes: CELL_DISK_CAP_BYTES,
      }
      using _ = showWaiting('starting the sandbox')
      await startHost(machine, layout, host, signal)
    } catch (error) {
      await machine.terminate()
      run.emit({ type: 'sandbox-end', by: 'system', sandbox: id, reason: 'it did not start' })
      throw error
    }
    const notice = (text: string) =>
      void run.emit({ type: 'notice-add', by: 'system', sandbox: id, level: 'warning', code: 'connection-lost', text })
    const connection = connectHost(machine, layout, environment.python, notice)
    const authorOf = (session: string, cell: string) => journal.authorOf(session, cell)
    const journal: Journal = new Journal(connection, journalSink(run, machine, { sandbox: id, authorOf }))
    // A loss is told by the journal to its kernels, and thrown there; the notice is for a run that asks them nothing more.
    journal.start().catch((error: unknown) => {
      if (error instanceof SeerError) tell(run, { level: 'warning', code: error.code, text: error.message }, id)
    })
    return new Sandbox({ use, machine, layout, connection, journal, modelHandles, python: environment.python })
  }

  async writeFile(path: string, content: string | Uint8Array): Promise<void> {
    await this.#machine.writeFile(path, typeof content === 'string' ? Buffer.from(content) : content)
  }

  /** Bytes of a plain file in the workspace. Throws `file-missing`, `file-outside`, `file-too-large`. */
  readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.#machine.readFile(path, options)
  }

  /** Ends every process of the sandbox. What was received is in the run's folder. Idempotent. */
  terminate(): Promise<void> {
    this.#terminated ??= this.#terminate()
    return this.#terminated
  }

  async #terminate(): Promise<void> {
    this.#notBeforeEnd()
    const problems: Error[] = []
    const attempt = (step: Promise<unknown>) =>
      step.catch((error: unknown) => void problems.push(error instanceof Error ? error : new Error(String(error))))
    // The host ends the kernels and writes down how; a host that does not answer is ended by force below.
    await this.connection.request('host/shutdown', {}, AbortSignal.timeout(SHUTDOWN_MS)).catch(() => undefined)
    // Its files hold what it had received, also when there is no host any more.
    await attempt(this.journal.finish(deadHostConnection(this.#layout.stateDir), terminated()))
    this.connection.close()
    await attempt(this.#machine.terminate())
    await attempt(
      Promise.resolve().then(() =>
        this.run.emit({ type: 'sandbox-end', by: 'system', sandbox: this.sandboxId, reason: 'terminated' }),
      ),
    )
    const problem = problems.find((error) => !isKnownToRun(error))
    await this.#use.release(problem)
    if (problem !== undefined) throw problem
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}

function terminated(): SeerError {
  return new SeerError('sandbox-terminated', {
    message: 'The sandbox was terminated while it was in use.',
    endsRun: true,
  })
}

/** What ends a run is thrown by its end: thrown here too, it would hide what a script was failing with. */
function isKnownToRun(error: unknown): boolean {
  const first = firstError(error)
  return first instanceof SeerError && (first.endsRun || first.code === 'run-ended')
}

function tell(run: Run, notice: { level: 'warning'; code: string; text: string }, sandbox: string): void {
  try {
    run.emit({ type: 'notice-add', by: 'system', sandbox, ...notice })
  } catch {
    // A log that cannot be written ends the run by itself.
  }
}
