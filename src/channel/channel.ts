/**
 * A JSON-RPC peer over a byte stream: `request()` with a schema-checked answer, a deadline and an AbortSignal. When the stream
 * ends, every pending request fails with `channel-closed`, and the error carries the last of what the other side said on stderr.
 */
import type { Readable, Writable } from 'node:stream'
import {
  CancellationTokenSource,
  createMessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node'
import { SeerError } from '../errors.ts'
import { hostErrors, methods, type MethodName, type Params, type Result } from './protocol.ts'

export interface ByteStream {
  readonly input: Readable
  readonly output: Writable
  /** The end of the other side's stderr, for an error's text. */
  readonly stderrTail: () => string
  readonly close: () => void
}

const STDERR_SHOWN = 2000
const errorNames = new Map<number, string>(Object.entries(hostErrors).map(([name, code]) => [code, name]))

export class Channel {
  readonly closed: Promise<void>
  readonly #connection: MessageConnection
  readonly #stream: ByteStream
  readonly #gone = new AbortController()

  constructor(stream: ByteStream) {
    this.#stream = stream
    this.#connection = createMessageConnection(new StreamMessageReader(stream.input), new StreamMessageWriter(stream.output))
    this.closed = new Promise((resolve) => this.#gone.signal.addEventListener('abort', () => resolve(), { once: true }))
    this.#connection.onClose(() => this.close())
    this.#connection.onError(() => this.close())
    stream.output.on('error', () => this.close())
    this.#connection.listen()
    // Whoever looked for the relay's marker has paused it; a listener alone does not start a paused stream.
    stream.input.resume()
  }

  async request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    const { deadlineMs, result } = methods[method]
    if (this.#gone.signal.aborted) throw this.#closedError(method)
    signal?.throwIfAborted()
    const cancellation = new CancellationTokenSource()
    const stop = Promise.withResolvers<never>()
    const timer = setTimeout(() => stop.reject(deadlineError(method, deadlineMs)), deadlineMs)
    const onAbort = () => stop.reject(signal?.reason)
    const onGone = () => stop.reject(this.#closedError(method))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#gone.signal.addEventListener('abort', onGone, { once: true })
    try {
      const answer = this.#connection.sendRequest<unknown>(method, params, cancellation.token)
      return result.parse(await Promise.race([answer, stop.promise])) as Result<M>
    } catch (error) {
      cancellation.cancel()
      if (this.#gone.signal.aborted && !signal?.aborted) throw this.#closedError(method)
      throw toSeerError(method, error)
    } finally {
      clearTimeout(timer)
      cancellation.dispose()
      signal?.removeEventListener('abort', onAbort)
      this.#gone.signal.removeEventListener('abort', onGone)
    }
  }

  close(): void {
    if (this.#gone.signal.aborted) return
    this.#gone.abort()
    this.#connection.dispose()
    this.#stream.close()
  }

  #closedError(method: string): SeerError {
    const said = this.#stream.stderrTail().slice(-STDERR_SHOWN).trim()
    return new SeerError('channel-closed', {
      message: `The connection to the sandbox closed during ${method}${said ? `. The other side said: ${said}` : '.'}`,
    })
  }
}

function deadlineError(method: string, deadlineMs: number): SeerError {
  return new SeerError('channel-deadline', {
    message: `The sandbox did not answer ${method} within ${deadlineMs / 1000} s.`,
    hint: 'The machine may be stopped or overloaded. The run keeps what it has received.',
  })
}

function toSeerError(method: string, error: unknown): unknown {
  if (!(error instanceof ResponseError)) return error
  const code = errorNames.get(error.code) ?? 'host-error'
  return new SeerError(code, { message: `${method}: ${error.message}`, cause: error })
}
