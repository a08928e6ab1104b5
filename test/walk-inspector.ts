/**
 * V8's debugger on a Node process: breakpoints whose conditions write a line and do not stop, so that the process runs as it
 * would without them.
 */
import { typescriptDeclaration } from './walk-declarations.ts'

type Json = Record<string, unknown>
interface Watch {
  /** The file's path in the checkout, and its text. */
  readonly file: string
  readonly source: string
  readonly name: string
}

export class Inspector implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #folder: string
  readonly #trace: string
  readonly #pending = new Map<number, PromiseWithResolvers<Json>>()
  readonly #stops = new Map<string, () => Promise<void>>()
  #sent = 0

  private constructor(socket: WebSocket, folder: string, trace: string) {
    this.#socket = socket
    this.#folder = folder
    this.#trace = trace
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Json))
    socket.addEventListener('close', () => this.#pending.forEach(({ resolve }) => resolve({})))
  }

  /** To a process that waits at its start; its sources lie in `folder`, and lines go to the file `trace`. */
  static async attach(url: string, folder: string, trace: string): Promise<Inspector> {
    const socket = new WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true })
      socket.addEventListener('error', reject, { once: true })
    })
    const inspector = new Inspector(socket, folder, trace)
    for (const method of ['Debugger.enable', 'Profiler.enable']) await inspector.#send(method)
    await inspector.#send('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
    return inspector
  }

  /** Notes each entry into a function; with `stop`, the process then stands still until that is done. */
  async watch({ file, source, name }: Watch, stop?: () => Promise<void>): Promise<void> {
    const declaration = typescriptDeclaration(source, name)
    if (!declaration) throw new Error(`${file} declares no function ${name}`)
    const { line, column, parameters } = declaration
    // What tells the calls of one function apart: text among its arguments, and what the others say that they are.
    const labels = `[${parameters.join(', ')}].map((value) => typeof value === 'string' ? value.slice(0, 100) : value?.type ?? value?.kind ?? null)`
    const entry = `JSON.stringify([String(process.hrtime.bigint()), ${JSON.stringify(file)}, ${JSON.stringify(name)}, ${labels}])`
    const write = `process.getBuiltinModule('node:fs').appendFileSync(${JSON.stringify(this.#trace)}, ${entry} + '\\n')`
    const { breakpointId } = await this.#send('Debugger.setBreakpointByUrl', {
      url: `file://${this.#folder}/${file}`,
      lineNumber: line,
      columnNumber: column,
      condition: `(${write}, ${stop !== undefined})`,
    })
    if (stop) this.#stops.set(String(breakpointId), stop)
  }

  run(): Promise<Json> {
    return this.#send('Runtime.runIfWaitingForDebugger')
  }

  /** Files below the folder of which a named function was called since this was last asked. */
  async filesCalled(): Promise<string[]> {
    const { result = [] } = (await this.#send('Profiler.takePreciseCoverage')) as {
      result?: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[]
    }
    const prefix = `file://${this.#folder}/`
    return result
      .filter(({ functions }) =>
        functions.some(({ functionName, ranges }) => functionName !== '' && ranges[0]!.count > 0),
      )
      .flatMap(({ url }) => (url.startsWith(prefix) ? [url.slice(prefix.length)] : []))
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
    this.#pending.delete(message.id as number)
    if (message.error) answer?.reject(new Error(JSON.stringify(message.error)))
    else answer?.resolve(message.result as Json)
    if (message.method === 'Debugger.paused') void this.#paused(message.params as { hitBreakpoints?: string[] })
  }

  async #paused({ hitBreakpoints = [] }: { hitBreakpoints?: string[] }): Promise<void> {
    for (const id of hitBreakpoints) await this.#stops.get(id)?.()
    await this.#send('Debugger.resume')
  }
}
