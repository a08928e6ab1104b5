/**
 * A JSON-RPC peer over a byte stream: `request()` with a schema-checked answer, a deadline and an AbortSignal. When the stream
 * ends, every pending request fails with `channel-closed`, and the error carries the last of what the other side said on stderr.
 */
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import {
  CancellationTokenSource,
  ConnectionError,
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  type MessageConnection,
} from 'vscode-jsonrpc/node'
import { SeerError } from '../errors.ts'
import type { BadFrame } from './frame-limit.ts'
import { FramesReader, FramesWriter } from './messages.ts'
import { hostErrors, methods, type MethodName, type Params, type Result } from './protocol.ts'
import { MAX_MESSAGE_BYTES } from './protocol-parts.ts'

export interface ByteStream {
  readonly input: Readable
  readonly output: Writable
  /** The end of the other side's stderr, for an error's text. */
  readonly stderrTail: () => string
  readonly close: () => void
}

const STDERR_SHOWN = 2000
/** A relay that died has often said why, and its stderr may come after the end of its stdout. */
const STDERR_WAIT_MS = 30
/** What the JSON-RPC envelope adds to the parameters, at most. */
const ENVELOPE_BYTES = 1024
/** They wait for what may never come. */
const WAITING = new Set<MethodName>(['journal/read', 'stream/read'])
/** By these the library says that it could not reach the other side. */
const LOST = new Set<number>([
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
])
const errorNames = new Map<number, string>(Object.entries(hostErrors).map(([name, code]) => [code, name]))

export class Channel {
  readonly #connection: MessageConnection
  readonly #stream: ByteStream
  readonly #gone = new AbortController()
  /** Why this side closed it. */
  #refused: string | undefined

  constructor(stream: ByteStream) {
    this.#stream = stream
    this.#connection = createMessageConnection(
      new FramesReader(stream.input, (bad) => this.#refuse(bad)),
      new FramesWriter(stream.output),
      undefined,
      // Answers are then given at once, and nothing else comes.
      { maxParallelism: 1 },
    )
    this.#connection.onClose(() => this.close())
    this.#connection.onError(() => this.close())
    stream.output.on('error', () => this.close())
    this.#connection.listen()
    // Whoever looked for the relay's marker has paused it; a listener alone does not start a paused stream.
    stream.input.resume()
  }

  async request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    const { deadlineMs, result } = methods[method]
    signal?.throwIfAborted()
    if (method !== 'stream/write') refuseTooLarge(method, params) // which is cut to fit
    if (this.#gone.signal.aborted) throw this.#closedError(method)
    const cancellation = new CancellationTokenSource()
    const stop = Promise.withResolvers<never>()
    const timer = setTimeout(() => stop.reject(deadlineError(method, deadlineMs)), deadlineMs)
    // That is no reason for a process to go on.
    if (WAITING.has(method) && 'waitMs' in params && params.waitMs > 0) timer.unref()
    const onAbort = () => stop.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const answer = this.#connection.sendRequest<unknown>(method, params, cancellation.token)
      return checked(method, result, await Promise.race([answer, stop.promise])) as Result<M>
    } catch (error) {
      cancellation.cancel()
      if (signal?.aborted) throw error
      if (this.#gone.signal.aborted || isLost(error)) {
        this.close()
        await sleep(STDERR_WAIT_MS)
        throw this.#closedError(method)
      }
      throw toSeerError(method, error)
    } finally {
      clearTimeout(timer)
      cancellation.dispose()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #refuse({ kind, what }: BadFrame): void {
    if (kind === 'too-large') this.#refused = what
    this.close()
  }

  close(): void {
    if (this.#gone.signal.aborted) return
    this.#gone.abort()
    // It rejects all that is pending.
    this.#connection.dispose()
    this.#stream.close()
  }

  #closedError(method: string): SeerError {
    if (this.#refused !== undefined) return refusedError(method, this.#refused)
    const said = this.#stream.stderrTail().slice(-STDERR_SHOWN).trim()
    return new SeerError('channel-closed', {
      message: `The connection to the sandbox closed during ${method}${said ? `. The other side said: ${said}` : '.'}`,
    })
  }
}

/** Not as a lost connection, which is made again: the same would come again. */
function refusedError(method: string, what: string): SeerError {
  return new SeerError('frame-refused', {
    message: `The other side of the connection to the sandbox sent ${what}; the connection was closed during ${method}.`,
    hint: 'What answers there is not Seer’s host, or was changed. Everything received so far is in the run folder.',
    endsRun: true,
  })
}

function deadlineError(method: string, deadlineMs: number): SeerError {
  return new SeerError('channel-deadline', {
    message: `The sandbox did not answer ${method} within ${deadlineMs / 1000} s.`,
    hint: 'The machine may be stopped or overloaded. The run keeps what it has received.',
  })
}

function isLost(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof ResponseError && LOST.has(error.code))
}

/** The host would close the connection over it, for every retry again. */
function refuseTooLarge(method: string, params: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(params))
  if (bytes <= MAX_MESSAGE_BYTES - ENVELOPE_BYTES) return
  throw new SeerError('message-too-large', {
    message: `${method}: its ${bytes} bytes are more than one message to the sandbox may have (${MAX_MESSAGE_BYTES}).`,
    hint: 'Write large values to a file of the workspace, and read it there.',
  })
}

function checked(method: string, schema: z.ZodType, answer: unknown): unknown {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  throw new SeerError('host-answer-invalid', {
    message: `The host's answer to ${method} is not valid:\n${z.prettifyError(parsed.error)}`,
    cause: parsed.error,
  })
}

function toSeerError(method: string, error: unknown): unknown {
  if (!(error instanceof ResponseError)) return error
  const code = errorNames.get(error.code) ?? 'host-error'
  return new SeerError(code, { message: `${method}: ${error.message}`, cause: error })
}
