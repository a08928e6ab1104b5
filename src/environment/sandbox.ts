/**
 * A sandbox: a machine, prepared (packages, models) and with a host process on it, ready for sessions.
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { HostConnection } from '../channel/host-connection.ts'
import { Journal } from '../channel/journal.ts'
import { eventsOfRecord } from '../channel/record-events.ts'
import { connectHost, startHost } from '../channel/start-host.ts'
import { parseOptions } from '../options.ts'
import { useRun, type RunUse } from '../run/current.ts'
import type { Run } from '../run/run.ts'
import { openScriptRun } from '../run/script-run.ts'
import type { Layout, Machine } from '../sandbox/backend.ts'
import { localConfinement, startLocalMachine } from '../sandbox/local/local.ts'
import { kernelEnvironment } from './kernel-environment.ts'
import { checkModels, prepare, type ModelHandle } from './prepare.ts'
import { showProgress, type Progress } from './progress.ts'
import { resultSaver } from './save-result.ts'

const LEASE_SECONDS = 120
const CELL_DISK_CAP_BYTES = 1024 ** 3
const SECONDS_PER_DAY = 86_400

const modelSchema = z.strictObject({
  /** `embedded`: the small chat model that Seer brings. */
  name: z.string(),
  /** The Python variable that holds it. */
  varName: z.string().regex(/^[A-Za-z_]\w*$/, 'is not a Python name').default('model'),
})

export const sandboxConfigSchema = z.strictObject({
  models: z.array(modelSchema).default([]),
  /** As pip takes them. What Seer itself needs is always there. */
  pythonPackages: z.array(z.string()).default([]),
  /** Environment variables of the kernel, which gets nothing else of this machine's environment. */
  env: z.record(z.string(), z.string()).default({}),
  /** Seconds after which the sandbox ends itself. */
  timeout: z
    .number()
    .min(60, 'is in seconds; at least 60')
    .max(7 * SECONDS_PER_DAY, 'is in seconds; at most 7 days')
    .default(3600),
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
  /** The folder where the agent's code runs, on the sandbox's machine. */
  readonly workspacePath: string
  readonly modelHandles: readonly ModelHandle[]
  readonly run: Run
  /** The sandbox's own interpreter; also checks the run's notebook. */
  readonly python: string
  /** For sessions: the way to the host. */
  readonly connection: HostConnection
  readonly journal: Journal
  readonly #machine: Machine
  readonly #use: RunUse
  #sessions = 0
  #terminated: Promise<void> | undefined

  private constructor(parts: Parts) {
    this.sandboxId = parts.machine.id
    this.workspacePath = parts.layout.workspace
    this.modelHandles = parts.modelHandles
    this.run = parts.use.run
    this.python = parts.python
    this.connection = parts.connection
    this.journal = parts.journal
    this.#machine = parts.machine
    this.#use = parts.use
  }

  /**
   * Prepares packages and models (from the cache after the first time) and starts the sandbox.
   * Throws a SeerError for unknown options, a missing Python, no network at set-up, and a host that does not start.
   */
  static async start(config: SandboxConfig = {}, options: StartOptions = {}): Promise<Sandbox> {
    const parsed = parseOptions('Sandbox', sandboxConfigSchema, config)
    checkModels(parsed.models)
    const use = useRun(options.run, openScriptRun)
    try {
      return await Sandbox.#start(parsed, use, options)
    } catch (error) {
      await use.release(error)
      throw error
    }
  }

  static async #start(config: z.output<typeof sandboxConfigSchema>, use: RunUse, options: StartOptions): Promise<Sandbox> {
    const { run } = use
    const { signal = run.signal, progress = showProgress() } = options
    const { environment, modelHandles } = await prepare(config, { signal, progress })
    copyFileSync(environment.lock, join(run.folder, 'source', 'env.lock'))
    const id = `sb-${randomBytes(5).toString('hex')}`
    const { machine, layout, attach } = await startLocalMachine(id, run.folder)
    try {
      run.emit({
        type: 'sandbox-start',
        by: 'system',
        sandbox: id,
        backend: 'local',
        confinement: localConfinement,
        environment: environment.id,
        workspacePath: layout.workspace,
        attach: { ...attach, python: environment.python },
      })
      const host = {
        sandbox: id,
        python: environment.python,
        kernelEnv: kernelEnvironment(environment, layout, config.env),
        leaseSeconds: LEASE_SECONDS,
        deadlineSeconds: config.timeout,
        cellDiskCapBytes: CELL_DISK_CAP_BYTES,
      }
      await startHost(machine, layout, host, signal)
    } catch (error) {
      await machine.terminate()
      throw error
    }
    const notice = (text: string) =>
      void run.emit({ type: 'notice-add', by: 'system', sandbox: id, level: 'warning', code: 'connection-lost', text })
    const connection = connectHost(machine, layout, environment.python, notice)
    const journal: Journal = new Journal(connection, {
      emit: run.emit,
      sync: () => run.sync(),
      hasArtifact: (sha256) => run.artifacts.has(sha256),
      storeArtifact: run.storeArtifact,
      eventsOf: (record) =>
        eventsOfRecord(record, {
          sandbox: id,
          authorOf: (session, cell) => journal.authorOf(session, cell),
          readArtifact: (sha256) => run.artifacts.read(sha256),
          saveResult: resultSaver(machine, run),
        }),
    })
    // A loss is told by the journal to its kernels, and thrown there.
    journal.start().catch(() => undefined)
    return new Sandbox({ use, machine, layout, connection, journal, modelHandles, python: environment.python })
  }

  /** For sessions: ids count up for the whole sandbox. */
  nextSessionId(): string {
    this.#sessions += 1
    return `s${this.#sessions}`
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
    await this.journal.stop()
    await this.connection.request('host/shutdown', {}).catch(() => undefined)
    this.connection.close()
    await this.#machine.terminate()
    this.run.emit({ type: 'sandbox-end', by: 'system', sandbox: this.sandboxId, reason: 'terminated' })
    await this.#use.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}
