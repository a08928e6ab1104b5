/**
 * A sandbox: a machine, prepared (packages, models) and with a host process on it, ready for sessions.
 */
import type { HostConnection } from '../channel/host-connection.ts'
import type { Journal } from '../channel/journal.ts'
import { SeerError } from '../errors.ts'
import { useRun, type RunUse } from '../run/current.ts'
import type { Run } from '../run/run.ts'
import { openScriptRun } from '../run/script-run.ts'
import { endSandbox } from './end-sandbox.ts'
import type { ModelHandle } from './models/model-handle.ts'
import { parseSandboxConfig, type ParsedSandboxConfig, type SandboxConfig } from './sandbox-config.ts'
import { hideSecrets, readSecrets } from './secrets.ts'
import { startSandbox, type RunningSandbox, type StartOptions } from './start-sandbox.ts'

export class Sandbox {
  readonly #config: ParsedSandboxConfig
  readonly #options: StartOptions
  #starting: Promise<this> | undefined
  #running: RunningSandbox | undefined
  /** Takes back what the run was told to do before its end. */
  #notBeforeEnd: () => void = () => undefined
  #terminated: Promise<void> | undefined

  /** Starts nothing. Throws a SeerError for unknown options, and for what this machine cannot honour. */
  constructor(config: SandboxConfig = {}, options: StartOptions = {}) {
    this.#config = parseSandboxConfig(config)
    this.#options = options
  }

  /** As `new Sandbox(config, options).start()`. */
  static async start(config: SandboxConfig = {}, options: StartOptions = {}): Promise<Sandbox> {
    return new Sandbox(config, options).start()
  }

  /**
   * Prepares packages and models (from the cache after the first time) and starts the sandbox. Once: a second call waits for the first.
   * Throws a SeerError for a missing secret, a missing Python, no network at set-up, and a host that does not start.
   */
  start(): Promise<this> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<this> {
    if (this.#terminated) throw notRunning('has been terminated')
    const config = this.#config
    const secrets = readSecrets(config.secrets, config.env)
    const use = useRun(this.#options.run, () => openScriptRun(config))
    try {
      hideSecrets(use.run, secrets)
      return this.#take(await startSandbox(config, secrets, use, this.#options), use)
    } catch (error) {
      await use.release(error)
      throw error
    }
  }

  #take(running: RunningSandbox, { run }: RunUse): this {
    this.#running = running
    this.#notBeforeEnd = run.beforeEnd(() => this.terminate())
    return this
  }

  get #its(): RunningSandbox {
    if (this.#running) return this.#running
    throw notRunning(this.#starting ? 'is still starting, or did not start' : 'has not been started')
  }

  get sandboxId(): string {
    return this.#its.id
  }

  /** The folder where the agent's code runs, as that code sees it. */
  get workspacePath(): string {
    return this.#its.layout.workspaceInside
  }

  get modelHandles(): readonly ModelHandle[] {
    return this.#its.modelHandles
  }

  get run(): Run {
    return this.#its.use.run
  }

  /** The sandbox's own interpreter, on this machine; also checks the run's notebook. */
  get python(): string {
    return this.#its.python
  }

  /** For sessions: the way to the host. */
  get connection(): HostConnection {
    return this.#its.connection
  }

  get journal(): Journal {
    return this.#its.journal
  }

  /** Parents are made, and a file that is there is replaced whole. `path` lies in the workspace. */
  async writeFile(path: string, content: string | Uint8Array): Promise<void> {
    await this.#its.machine.writeFile(path, typeof content === 'string' ? Buffer.from(content) : content)
  }

  /** Bytes of a plain file in the workspace. Throws `file-missing`, `file-outside`, `file-too-large`. */
  async readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.#its.machine.readFile(path, options)
  }

  /** Ends every process of the sandbox. What was received is in the run's folder. Idempotent; one that is starting ends when it has started. */
  terminate(): Promise<void> {
    this.#terminated ??= this.#terminate()
    return this.#terminated
  }

  async #terminate(): Promise<void> {
    await this.#starting?.catch(() => undefined)
    if (!this.#running) return
    this.#notBeforeEnd()
    await endSandbox(this.#running, 'terminated')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}

function notRunning(how: string): SeerError {
  return new SeerError('sandbox-not-started', {
    message: `The sandbox ${how}.`,
    hint: '`await new Sandbox(config).start()`, or `await Sandbox.start(config)`.',
  })
}
