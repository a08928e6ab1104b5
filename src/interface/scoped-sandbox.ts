/**
 * A sandbox in which no agent works: an agent can call the functions that a file of the researcher exposes, and nothing else. What it
 * is given is a library to import, tools, or a text.
 */
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import type { Command, ExecOptions } from '../environment/exec/exec.ts'
import type { Download } from '../environment/files/download.ts'
import type { TreeLimits } from '../environment/files/limits.ts'
import type { Upload } from '../environment/files/upload.ts'
import type { ModelHandle } from '../environment/models/model-handle.ts'
import { Sandbox } from '../environment/sandbox.ts'
import type { SandboxConfig } from '../environment/sandbox-config.ts'
import type { Snapshot } from '../environment/snapshot/snapshot.ts'
import type { StartOptions } from '../environment/start-sandbox.ts'
import { SeerError } from '../errors.ts'
import { publish, type McpConfig } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import type { Run } from '../run/run.ts'
import { callsFindingTool } from '../tools/finding-tool.ts'
import type { Library } from '../workspace/library.ts'
import { checkModuleName } from '../workspace/python/module-name.ts'
import type { Skill } from '../workspace/skill.ts'
import { docsOf, libraryOf, skillOf } from './client-library.ts'
import { Interface } from './interface.ts'
import { toolsOf } from './interface-tools.ts'

const serveSchema = z.strictObject({
  /** `library`: to import. `mcp`: tools. `skill`: a skill with the library in it. `prompt`: the text that describes the functions. */
  exposeAs: z.enum(['library', 'mcp', 'prompt', 'skill']),
  /** What the agent calls it; the file's name unless said otherwise. */
  name: z.string().optional(),
  /** Of a skill: what it is for, and when to read it. The file's docstring unless said otherwise. */
  description: z.string().optional(),
  /** Of tools: the schema of a finding's `answer`. With it the agent ends by submitting one, which rests on its calls. */
  answer: z.instanceof(z.ZodObject).optional(),
})

interface Exposures {
  readonly library: Library
  readonly mcp: McpConfig
  readonly prompt: string
  readonly skill: Skill
}
type ExposeAs = keyof Exposures
export interface ServeOptions<E extends ExposeAs = ExposeAs> {
  readonly exposeAs: E
  readonly name?: string
  readonly description?: string
  readonly answer?: z.ZodObject
}

export class ScopedSandbox {
  readonly #sandbox: Sandbox
  readonly #served = new Map<string, Interface>()
  readonly #withdraw: (() => void)[] = []

  /** Starts nothing. It takes what {@link Sandbox} takes. */
  constructor(config: SandboxConfig = {}, options: StartOptions = {}) {
    this.#sandbox = new Sandbox(config, options)
  }

  /** As `new ScopedSandbox(config, options).start()`. */
  static async start(config: SandboxConfig = {}, options: StartOptions = {}): Promise<ScopedSandbox> {
    return new ScopedSandbox(config, options).start()
  }

  async start(): Promise<this> {
    await this.#sandbox.start()
    return this
  }

  /**
   * Loads a Python file in the sandbox and offers the functions that it marks with `@expose`. Modules beside it can be imported by it.
   * Several files can be served, each under a name of its own; the same file under the same name is loaded once, however it is exposed.
   * Throws a SeerError for a file that does not load, and for a function that could not be called: with the reason and the line.
   */
  async serve<E extends ExposeAs>(file: string, options: ServeOptions<E>): Promise<Exposures[E]> {
    const { exposeAs, name = basename(file, '.py'), description, answer } = parseOptions('serve', serveSchema, options)
    if (answer && exposeAs !== 'mcp') throw misplaced('answer', 'mcp')
    if (description !== undefined && exposeAs !== 'skill') throw misplaced('description', 'skill')
    const served = await this.#load(file, name)
    const make: { [K in ExposeAs]: () => Exposures[K] | Promise<Exposures[K]> } = {
      library: () => libraryOf(served),
      mcp: () => this.#asTools(served, answer),
      prompt: () => `## ${name}\n\n${docsOf(served)}`,
      skill: () => skillOf(served, description ?? summaryOf(served)),
    }
    return make[exposeAs as E]()
  }

  async #load(file: string, name: string): Promise<Interface> {
    checkModuleName(name)
    const known = this.#served.get(name)
    if (known && resolve(known.file) !== resolve(file)) throw nameTaken(name, known.file)
    const served = known ?? new Interface(this.#sandbox, name, file)
    this.#served.set(name, served)
    try {
      await served.ready()
      return served
    } catch (error) {
      this.#served.delete(name)
      throw error
    }
  }

  /**
   * Loads a file anew, as it is now: what its process held in memory is lost. Sessions that were opened before offer what they offered, where
   * it is still there; a library or tools that are served after this offer what is new.
   */
  async reload(name: string): Promise<void> {
    await this.served(name).load()
  }

  /** For the command line: what is served under a name. */
  served(name: string): Interface {
    const served = this.#served.get(name)
    if (served) return served
    const names = [...this.#served.keys()].join(', ') || 'nothing'
    throw new SeerError('interface-unknown', { message: `Nothing is served under the name "${name}", but: ${names}.` })
  }

  async #asTools(served: Interface, answer: z.ZodObject | undefined): Promise<McpConfig> {
    const settle = () => Promise.resolve()
    const submit = answer ? [callsFindingTool((id) => served.hasCall(id), answer)] : []
    const tools = [...toolsOf(served), ...submit]
    const [own] = submit
    if (own && served.description.functions.some(({ name }) => name === own.name)) {
      throw new SeerError('tool-name', {
        message: `The function ${own.name} of ${served.file} has the name of the tool by which an agent ends.`,
        hint: 'Rename it, or serve without `answer`.',
      })
    }
    const instructions = docsOf(served)
    const { config, withdraw } = await publish(served.name, { run: this.run, tools, settle, instructions })
    this.#withdraw.push(withdraw)
    return config
  }

  get sandboxId(): string {
    return this.#sandbox.sandboxId
  }

  get run(): Run {
    return this.#sandbox.run
  }

  get modelHandles(): readonly ModelHandle[] {
    return this.#sandbox.modelHandles
  }

  /** Where paths that are not absolute begin, as its functions see it. */
  get workspacePath(): string {
    return this.#sandbox.workspacePath
  }

  writeFile(path: string, content: string | Uint8Array): Promise<void> {
    return this.#sandbox.writeFile(path, content)
  }

  readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.#sandbox.readFile(path, options)
  }

  ensureDir(path: string): Promise<void> {
    return this.#sandbox.ensureDir(path)
  }

  upload(localPath: string, path: string): Promise<Upload> {
    return this.#sandbox.upload(localPath, path)
  }

  download(path: string, localPath: string, options: TreeLimits = {}): Promise<Download> {
    return this.#sandbox.download(path, localPath, options)
  }

  exec(command: Command, options: ExecOptions = {}): Promise<string> {
    return this.#sandbox.exec(command, options)
  }

  execPython(code: string, options: Omit<ExecOptions, 'input'> = {}): Promise<string> {
    return this.#sandbox.execPython(code, options)
  }

  snapshot(name: string, options: TreeLimits = {}): Promise<Snapshot> {
    return this.#sandbox.snapshot(name, options)
  }

  /** Ends it with all that it serves. Whoever calls after that is told. Idempotent. */
  async terminate(): Promise<void> {
    for (const withdraw of this.#withdraw.splice(0)) withdraw()
    await this.#sandbox.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}

function misplaced(option: string, exposeAs: string): SeerError {
  return new SeerError('invalid-options', {
    message: `serve: ${option} is for exposeAs: '${exposeAs}', and for nothing else.`,
  })
}

function nameTaken(name: string, file: string): SeerError {
  return new SeerError('interface-name', {
    message: `The name "${name}" is taken: ${file} is served under it.`,
    hint: 'Give `name` to serve.',
  })
}

function summaryOf({ name, description }: Interface): string {
  const [first = ''] = description.doc.split(/\n\s*\n/)
  const summary = first.replaceAll(/\s+/g, ' ').trim()
  if (summary !== '') return summary
  throw new SeerError('skill-invalid', {
    message: `Nothing says what the skill ${name} is for: its file has no docstring.`,
    hint: 'Give it one, or give `description` to serve.',
  })
}
