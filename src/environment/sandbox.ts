/**
 * A sandbox: a machine, prepared (packages, models) and with a host process on it, ready for sessions.
 */
import { uptime } from 'node:os'
import type { HostConnection } from '../channel/host-connection.ts'
import type { Journal } from '../channel/journal.ts'
import type { HostStreams } from '../channel/streams.ts'
import { SeerError } from '../errors.ts'
import { useRun, type RunUse } from '../run/current.ts'
import type { Run } from '../run/run.ts'
import { openScriptRun } from '../run/script-run.ts'
import type { Secret } from '../run/redactor.ts'
import { attachSandbox } from './attach-sandbox.ts'
import { notYet } from './capabilities.ts'
import { detachSandbox, parseDetachOptions, type DetachOptions } from './detach-sandbox.ts'
import { endSandbox, terminated } from './end-sandbox.ts'
import { exec, execPython, spawn, type Command, type ExecOptions } from './exec/exec.ts'
import type { SandboxProcess } from './exec/sandbox-process.ts'
import { contextOf, startProcess, type ProcessSpec } from './exec/start-process.ts'
import { bootInside, startStream, type StreamProcess, type StreamSpec } from './exec/start-stream.ts'
import { download, type Download } from './files/download.ts'
import type { TreeLimits } from './files/limits.ts'
import { treesOf } from './files/machine-trees.ts'
import { upload, type Upload } from './files/upload.ts'
import { findAttachable } from './find-attachable.ts'
import { forwardPort } from './forward-port.ts'
import { findGpus } from './gpu/find-gpus.ts'
import type { TreeEntry } from '../sandbox/backend.ts'
import type { ModelHandle } from './models/model-handle.ts'
import type { RepoHandle } from './repos/place-repos.ts'
import type { RunningSandbox } from './running-sandbox.ts'
import { parseSandboxConfig, type ParsedSandboxConfig, type SandboxConfig } from './sandbox-config.ts'
import { endAtTimeout, tellTimeoutNear } from './sandbox-timeout.ts'
import { hideSecrets, readSecrets } from './secrets.ts'
import type { SessionBook } from './session-book.ts'
import { newSessionId } from './session-names.ts'
import { openSnapshot, type OpenedSnapshot } from './snapshot/open-snapshot.ts'
import { saveSnapshot } from './snapshot/save-snapshot.ts'
import type { Snapshot } from './snapshot/snapshot.ts'
import { startSandbox, type StartHooks, type StartOptions } from './start-sandbox.ts'
import { watchTimeout } from './watch-timeout.ts'

type Begin = (secrets: readonly Secret[], use: RunUse) => Promise<RunningSandbox>

export class Sandbox {
  readonly #config: ParsedSandboxConfig
  readonly #options: StartOptions
  readonly #hooks: StartHooks
  #starting: Promise<this> | undefined
  #running: RunningSandbox | undefined
  /** Takes back what the run was told to do before its end. */
  #notBeforeEnd: () => void = () => undefined
  #timeout: Disposable | undefined
  /** The end of its processes, however it came. Never rejects: what went wrong is its value. */
  #ending: Promise<Error | undefined> | undefined
  /** Whoever started it is done with it. */
  #left: Promise<void> | undefined

  /** Starts nothing. Throws a SeerError for unknown options, and for what this machine cannot honour. `hooks` are for tests. */
  constructor(config: SandboxConfig = {}, options: StartOptions = {}, hooks: StartHooks = {}) {
    this.#config = parseSandboxConfig(config)
    this.#options = options
    this.#hooks = hooks
  }

  /** As `new Sandbox(config, options).start()`. */
  static async start(config: SandboxConfig = {}, options: StartOptions = {}): Promise<Sandbox> {
    return new Sandbox(config, options).start()
  }

  /**
   * As `start`, with the files of a snapshot: by its id, name or folder, or as `snapshot` returned it. Throws a SeerError where a byte of
   * it is not as it was saved, and where a model has other weights. Other packages are told in the log.
   */
  static async fromSnapshot(
    snapshot: string | Snapshot,
    config: SandboxConfig = {},
    options: StartOptions = {},
  ): Promise<Sandbox> {
    const sandbox = new Sandbox(config, options)
    const parsed = sandbox.#config
    const from = await openSnapshot(snapshot, options.signal)
    sandbox.#starting = sandbox.#begin(parsed, (secrets, use) => startSandbox(parsed, secrets, use, options, {}, from))
    return sandbox.#starting
  }

  /**
   * Goes on with a sandbox that an earlier process started and let go, by its id: with its files, models and environment. Its notebook
   * sessions are in `sessionIds`, for `attachNotebookSession`. Throws a SeerError where it has ended or is used by another run, and for a
   * secret of it that is missing.
   */
  static async attach(id: string, options: StartOptions = {}): Promise<Sandbox> {
    const sandbox = new Sandbox({}, options)
    const { config } = await findAttachable(id)
    sandbox.#starting = sandbox.#begin(config, (_, use) => attachSandbox(id, use, options))
    return sandbox.#starting
  }

  /**
   * Prepares packages and models (from the cache after the first time) and starts the sandbox. Once: a second call waits for the first.
   * Throws a SeerError for a missing secret, a missing Python, no network at set-up, and a host that does not start.
   */
  start(): Promise<this> {
    const config = this.#config
    const refusal = this.#running?.connection.refusal
    if (refusal) return Promise.reject(refusal)
    this.#starting ??= this.#begin(config, (secrets, use) =>
      startSandbox(config, secrets, use, this.#options, this.#hooks),
    )
    return this.#starting
  }

  async #begin(config: ParsedSandboxConfig, how: Begin): Promise<this> {
    if (this.#left) throw terminated().why
    const secrets = readSecrets(config.secrets, config.env)
    // Before there is a run: a GPU that is missing is as wrong as a field that is.
    await findGpus(config, { signal: this.#options.signal })
    const use = useRun(this.#options.run, () => openScriptRun(config))
    try {
      hideSecrets(use.run, secrets)
      this.#running = await how(secrets, use)
    } catch (error) {
      await use.release(error)
      throw error
    }
    this.#notBeforeEnd = use.run.beforeEnd(() => this.terminate())
    this.#watch(this.#running)
    return this
  }

  #watch(running: RunningSandbox): void {
    const { timeoutSeconds } = this.#hooks
    this.#timeout = watchTimeout({
      timeoutSeconds: timeoutSeconds ?? running.facts.config.timeout,
      endsAt: timeoutSeconds === undefined ? running.endsAt : uptime() + timeoutSeconds,
      onNear: (leftSeconds) => tellTimeoutNear(running, leftSeconds),
      onOver: () => {
        this.#ending ??= endAtTimeout(running, saveSnapshot)
      },
    })
  }

  /** What it is, also when it has ended. */
  get #its(): RunningSandbox {
    if (this.#running) return this.#running
    if (this.#left) throw terminated().why
    throw new SeerError('sandbox-not-started', {
      message: `The sandbox ${this.#starting ? 'is still starting, or did not start' : 'has not been started'}.`,
      hint: '`await new Sandbox(config).start()`, or `await Sandbox.start(config)`.',
    })
  }

  /** For whatever works in it: throws once it is ending or has been let go, with the reason. */
  get #live(): RunningSandbox {
    const running = this.#its
    if (running.connection.refusal) throw running.connection.refusal
    return running
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

  /** As the configuration names them, in the order of `modelHandles`. */
  get modelNames(): readonly string[] {
    return this.#its.facts.config.models.map(({ name }) => name)
  }

  get repoHandles(): readonly RepoHandle[] {
    return this.#its.facts.repoHandles
  }

  /** Names of its GPUs; empty on the CPU. */
  get gpus(): readonly string[] {
    return this.#its.facts.gpus
  }

  /** VS Code in the browser. Throws `not-yet`, with what to use instead. */
  get codeServerUrl(): string {
    throw notYet('codeServerUrl')
  }

  /** JupyterLab. Throws `not-yet`, with what to use instead. */
  get jupyterUrl(): string {
    throw notYet('jupyterUrl')
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

  /** For sessions and interfaces: bytes to and from the code inside. */
  get streams(): HostStreams {
    return this.#its.streams
  }

  /** For interfaces: how Seer's own Python is started inside; the name of one of its parts comes next. */
  get bootInside(): readonly string[] {
    return bootInside(this.#its)
  }

  /** Ids of the sessions that live on in it from an earlier process, for `attachNotebookSession`. */
  get sessionIds(): readonly string[] {
    return this.#its.sessions.waiting
  }

  /** For sessions: those that do not end with the process. */
  get sessions(): SessionBook {
    return this.#its.sessions
  }

  /** For a new session: an id that neither its run nor this sandbox ever had. */
  newSessionId(): string {
    const { use, facts } = this.#live
    return newSessionId(use.run, facts)
  }

  /** Parents are made, and a file that is there is replaced whole. `path` lies in the workspace. */
  async writeFile(path: string, content: string | Uint8Array): Promise<void> {
    await this.#live.machine.writeFile(path, typeof content === 'string' ? Buffer.from(content) : content)
  }

  /** Bytes of a plain file in the workspace. Throws `file-missing`, `file-outside`, `file-too-large`. */
  async readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.#live.machine.readFile(path, options)
  }

  /**
   * What a command printed to stdout: a text for `/bin/sh`, or a program and its arguments. It runs behind the wall, in the workspace,
   * with what kernels have. Throws an `ExecError` (`exec-failed`, `exec-timeout`, `exec-output-lost`) with its output in `result`.
   */
  async exec(command: Command, options: ExecOptions = {}): Promise<string> {
    return exec(this.#live.connection, command, options, contextOf(this.#live))
  }

  /** What code printed to stdout, in a new Python of the sandbox's environment. Throws as {@link exec}, with the traceback. */
  async execPython(code: string, options: Omit<ExecOptions, 'input'> = {}): Promise<string> {
    return execPython(this.#live.connection, code, options, contextOf(this.#live))
  }

  /** Starts a command as {@link exec} does, and does not wait for it. */
  async spawn(command: Command, options: ExecOptions = {}): Promise<SandboxProcess> {
    return spawn(this.#live.connection, command, options, contextOf(this.#live))
  }

  /** For tools: as {@link spawn}, on behalf of whoever calls. */
  async startProcess(spec: ProcessSpec): Promise<SandboxProcess> {
    return startProcess(this.#live.connection, spec, contextOf(this.#live))
  }

  /** For interfaces: a program whose stdin is a socket, to be read and written here. */
  async startStream(argv: readonly string[], spec: StreamSpec): Promise<StreamProcess> {
    return startStream(this.#live, argv, spec)
  }

  /**
   * A server that runs in another sandbox is found in this one, at a port of its own loopback: `port` there, `to` here. Neither needs a
   * network for it.
   */
  async forwardPort({ from, port, to = port }: { from: Sandbox; port: number; to?: number }): Promise<void> {
    await forwardPort(this.#live, from.#live, { port, to })
  }

  /** For sessions: what lies in the workspace, at a path or below it. No link is followed. */
  async *entries(path = '', options: { signal?: AbortSignal } = {}): AsyncIterable<TreeEntry> {
    yield* treesOf(this.#live.machine).take(path, options)
  }

  /** A folder of the workspace, made with its parents where it is missing. */
  async ensureDir(path: string): Promise<void> {
    await treesOf(this.#live.machine).put(path, [{ kind: 'folder', path: '' }])
  }

  /** A file or folder of this machine, which is to lie at `path` in the workspace. Its hash is kept with the run. */
  async upload(localPath: string, path: string): Promise<Upload> {
    const { id, machine, use } = this.#live
    return upload({ id, machine, run: use.run }, localPath, path)
  }

  /** A file or folder of the workspace, which is to become `localPath`: plain files and no links. */
  async download(path: string, localPath: string, options: TreeLimits = {}): Promise<Download> {
    const { machine, use } = this.#live
    return download(machine, path, localPath, { signal: use.run.signal, ...options })
  }

  /** Keeps the workspace's files, and what was run, for `Sandbox.fromSnapshot`. Code that runs meanwhile is not stopped for it. */
  async snapshot(name: string, options: TreeLimits = {}): Promise<Snapshot> {
    return saveSnapshot(this.#live, name, options)
  }

  /** For sessions: the snapshot that it began with. */
  get restored(): OpenedSnapshot | undefined {
    return this.#its.from
  }

  /**
   * Lets go of it: it lives on, with its files and its notebook sessions, until `Sandbox.attach` takes it up, for `keep` seconds at most
   * and never longer than its `timeout`. Cells that run go on. What was printed until now is in the run's log.
   */
  async detach(options: DetachOptions = {}): Promise<void> {
    const { keep } = parseDetachOptions(options)
    // Whoever was before has let go of it, or ended it: then it says so.
    if (this.#left) await this.#left.catch(() => undefined)
    const running = this.#live
    this.#left ??= this.#letGo(running, keep)
    this.#left.catch(() => (this.#left = undefined))
    return this.#left
  }

  async #letGo(running: RunningSandbox, keep: number): Promise<void> {
    await detachSandbox(running, keep)
    this.#timeout?.[Symbol.dispose]()
    this.#notBeforeEnd()
    await running.use.release()
  }

  /** Ends every process of the sandbox. What was received is in the run's folder. Idempotent; one that is starting ends when it has started. */
  terminate(): Promise<void> {
    this.#left ??= this.#terminate()
    return this.#left
  }

  async #terminate(): Promise<void> {
    await this.#starting?.catch(() => undefined)
    const running = this.#running
    if (!running) return
    this.#timeout?.[Symbol.dispose]()
    this.#notBeforeEnd()
    this.#ending ??= endSandbox(running, terminated())
    const problem = await this.#ending
    await running.use.release(problem)
    if (problem) throw problem
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}
