/** A Node process under V8's debugger: told at each entry into the functions that are watched, while it stands still. */
import type { Hop } from './walk-document.ts'
import { typescriptDeclaration } from './walk-declarations.ts'

export interface Hit {
  /** Nanoseconds of the machine's monotonic clock. */
  readonly at: bigint
  readonly file: string
  readonly name: string
  /** What tells the calls of one function apart: text among its arguments, and the type or kind of the others. */
  readonly labels: readonly string[]
}

type Json = Record<string, unknown>
interface Paused {
  hitBreakpoints?: string[]
  callFrames: { callFrameId: string }[]
}

export class Inspector implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #pending = new Map<number, PromiseWithResolvers<Json>>()
  readonly #watched = new Map<string, { file: string; name: string; parameters: readonly string[] }>()
  readonly #onHit: (hit: Hit) => Promise<void> | void
  #sent = 0

  private constructor(socket: WebSocket, onHit: (hit: Hit) => Promise<void> | void) {
    this.#socket = socket
    this.#onHit = onHit
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Json))
    socket.addEventListener('close', () => this.#pending.forEach(({ resolve }) => resolve({})))
  }

  static async attach(url: string, onHit: (hit: Hit) => Promise<void> | void): Promise<Inspector> {
    const socket = new WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true })
      socket.addEventListener('error', reject, { once: true })
    })
    const inspector = new Inspector(socket, onHit)
    for (const method of ['Debugger.enable', 'Profiler.enable']) await inspector.#send(method)
    await inspector.#send('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
    return inspector
  }

  /** Before the process runs: a function of a file that will be loaded from `folder`. */
  async watch(folder: string, { file, name }: Pick<Hop, 'file' | 'name'>, source: string): Promise<void> {
    if ([...this.#watched.values()].some((known) => known.file === file && known.name === name)) return
    const declaration = typescriptDeclaration(source, name)
    if (!declaration) throw new Error(`${file} declares no function ${name}`)
    const { line, column, parameters } = declaration
    const place = { url: `file://${folder}/${file}`, lineNumber: line, columnNumber: column }
    const { breakpointId } = await this.#send('Debugger.setBreakpointByUrl', place)
    this.#watched.set(String(breakpointId), { file, name, parameters })
  }

  run(): Promise<Json> {
    return this.#send('Runtime.runIfWaitingForDebugger')
  }

  /** Files below `folder` of which functions were called since this was last asked. */
  async filesCalled(folder: string): Promise<string[]> {
    const { result } = (await this.#send('Profiler.takePreciseCoverage')) as {
      result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[]
    }
    const prefix = `file://${folder}/`
    return result
      .filter(({ url, functions }) => url.startsWith(prefix) && functions.some(({ functionName, ranges }) => functionName !== '' && ranges[0]!.count > 0))
      .map(({ url }) => url.slice(prefix.length))
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    return Promise.resolve()
  }

  #send(method: string, params: Json = {}): Promise<Json> {
    const answer = Promise.withResolvers<Json>()
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.resolve({})
    this.#pending.set(++this.#sent, answer)
    this.#socket.send(JSON.stringify({ id: this.#sent, method, params }))
    return answer.promise
  }

  #receive(message: Json): void {
    const answer = this.#pending.get(message.id as number)
    if (answer && message.error) answer.reject(new Error(JSON.stringify(message.error)))
    else answer?.resolve(message.result as Json)
    if (message.method === 'Debugger.paused') void this.#paused(message.params as Paused)
  }

  async #paused({ hitBreakpoints = [], callFrames }: Paused): Promise<void> {
    const watched = hitBreakpoints.map((id) => this.#watched.get(id)).find(Boolean)
    if (watched) await this.#onHit({ ...(await this.#lookAt(callFrames[0]!.callFrameId, watched.parameters)), file: watched.file, name: watched.name })
    await this.#send('Debugger.resume')
  }

  async #lookAt(callFrameId: string, parameters: readonly string[]): Promise<Pick<Hit, 'at' | 'labels'>> {
    const kind = `(value) => typeof value === 'string' ? value : value?.type ?? value?.kind ?? value?.name`
    const expression = `JSON.stringify([String(process.hrtime.bigint()), [${parameters.join(', ')}].map(${kind})])`
    const { result } = (await this.#send('Debugger.evaluateOnCallFrame', { callFrameId, expression, returnByValue: true })) as {
      result: { value: string }
    }
    const [at, labels] = JSON.parse(result.value) as [string, unknown[]]
    return { at: BigInt(at), labels: labels.filter((label) => typeof label === 'string') }
  }
}
