/**
 * An interface: functions of a researcher's Python file, served from a scoped sandbox. Whoever was given it can call them, and nothing
 * else there. Its process is started here, and can be started anew.
 */
import type { SandboxProcess } from '../environment/exec/sandbox-process.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import { SeerError } from '../errors.ts'
import { modelForLog } from '../environment/models/model-for-log.ts'
import type { Run } from '../run/run.ts'
import { failed, type Answer, type Call } from './call.ts'
import type { Description } from './description.ts'
import type { InterfaceFiles } from './interface-files.ts'
import { readInterface } from './interface-files.ts'
import { InterfaceProcess } from './interface-process.ts'
import { recordCall, type Caller } from './record-call.ts'

/** In the workspace of the scoped sandbox. */
const FOLDER = 'interfaces'
/** Of what a file prints, the log takes so much each time that it is loaded. */
const MAX_PRINTED_CHARS = 256 * 1024

interface Loaded {
  readonly process: InterfaceProcess
  readonly description: Description
  readonly descriptionText: string
  readonly sha256: string
}

export class Interface {
  readonly name: string
  /** As the researcher named it. */
  readonly file: string
  readonly run: Run
  readonly #sandbox: Sandbox
  #loaded: Loaded | undefined
  #loading: Promise<void> | undefined
  readonly #calls = new Set<string>()
  #loads = 0

  constructor(sandbox: Sandbox, name: string, file: string) {
    this.#sandbox = sandbox
    this.name = name
    this.file = file
    this.run = sandbox.run
  }

  get description(): Description {
    return this.#now.description
  }

  /** JSON, for a client: with every number as Python wrote it. */
  get descriptionText(): string {
    return this.#now.descriptionText
  }

  /** Of the file and the modules beside it. */
  get sha256(): string {
    return this.#now.sha256
  }

  get #now(): Loaded {
    if (this.#loaded) return this.#loaded
    throw new SeerError('interface-not-loaded', { message: `The interface ${this.name} has not been loaded.` })
  }

  /** Loads it where it is not loaded: a file that could not be loaded before may be mended. */
  async ready(): Promise<void> {
    if (this.#loading) await this.#loading
    else if (!this.#loaded) await this.load()
  }

  /**
   * Reads the file again and loads it in a new process: what the old one held in memory is lost. Calls that run end with `gone`. Throws a
   * SeerError where it does not load; then nothing is served. A library that was made before offers what it offered, where that is still there.
   */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  async #load(): Promise<void> {
    const files = readInterface(this.file)
    await this.#end()
    const process = await this.#start(files)
    const { description, descriptionText, compute } = await process.loaded
    this.#loaded = { process, description, descriptionText, sha256: files.sha256 }
    const { run } = this
    const sandbox = this.#sandbox.sandboxId
    run.emit({
      type: 'interface-start',
      by: 'system',
      sandbox,
      interface: this.name,
      file: this.file,
      sha256: files.sha256,
      functions: description.functions.map((one) => one.name + one.signature),
      models: this.#sandbox.modelHandles.map(modelForLog),
    })
    if (compute) run.emit({ type: 'compute-report', by: 'system', sandbox, ...compute })
    void process.ended.then((reason) => this.#tellEnd(reason))
  }

  async #start({ main, files }: InterfaceFiles): Promise<InterfaceProcess> {
    const sandbox = this.#sandbox
    // One of its own each time: a module that is there no more must not be found.
    const folder = `${FOLDER}/${this.name}/${(this.#loads += 1)}`
    for (const { path, bytes } of files) await sandbox.writeFile(`${folder}/${path}`, bytes)
    const { params, seed } = this.run.start
    const models = sandbox.modelHandles.map(({ name, varName, path }) => ({ name, varName, path }))
    const config = JSON.stringify({ name: this.name, params, seed, models, aliases: aliasesOf(sandbox) })
    const { process, stream } = await sandbox.startStream(
      [...sandbox.bootInside, 'interface', '--file', `${sandbox.workspacePath}/${folder}/${main}`, '--config', config],
      { purpose: `interface ${this.name}` },
    )
    void this.#print(process)
    return new InterfaceProcess(this.name, stream, process)
  }

  /** What it prints goes into the log as it comes. */
  async #print(process: SandboxProcess): Promise<void> {
    const about = { by: 'system', sandbox: this.#sandbox.sandboxId, interface: this.name } as const
    let room = MAX_PRINTED_CHARS
    try {
      for await (const { stream, text } of process.output) {
        if (room <= 0) continue
        const kept =
          text.length <= room ? text : `${text.slice(0, room)}\n[… what it printed after this was left out …]\n`
        room -= text.length
        this.run.emit({ type: 'interface-output', ...about, stream, text: kept.toWellFormed() })
      }
    } catch {
      // The sandbox or the log is gone: whoever calls is told.
    }
  }

  #tellEnd(reason: string): void {
    try {
      const { sandboxId: sandbox } = this.#sandbox
      this.run.emit({ type: 'interface-end', by: 'system', sandbox, interface: this.name, reason })
    } catch {
      // A log that cannot be written ends the run by itself.
    }
  }

  async #end(): Promise<void> {
    const old = this.#loaded?.process
    this.#loaded = undefined
    await old?.end()
  }

  /** Whether a call of that number was made here, and went well. */
  hasCall(id: string): boolean {
    return this.#calls.has(id)
  }

  /** In the log before it is made. Resolves in every case but the loss of the log: what a caller can mend is an answer. */
  async call(call: Call, caller: Caller, signal: AbortSignal): Promise<Answer & { readonly id: string }> {
    const recorded = recordCall(this.run, this.name, call, caller)
    const answer = this.#loaded
      ? await this.#loaded.process.call(call, signal)
      : failed('gone', `The interface ${this.name} is not loaded at the moment.`)
    recorded.end(answer)
    if (answer.ok) this.#calls.add(recorded.id)
    return { id: recorded.id, ...answer }
  }
}

/** By which a file may ask for a model, beside its own name: as the configuration has it, and the model below an adapter by its name. */
function aliasesOf({ modelHandles, modelNames }: Sandbox): Record<string, string> {
  const asked = modelHandles.map(({ path }, i) => [modelNames[i] ?? '', path] as const)
  const below = modelHandles.flatMap(({ base }) => (base ? [[base.name, base.path] as const] : []))
  return Object.fromEntries([...below, ...asked].filter(([name]) => name !== ''))
}
