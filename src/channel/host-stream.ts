/**
 * One byte stream to something in the sandbox. What comes waits here until it is taken, up to a bound; what goes is sent in order, and
 * however often the connection to the host is lost, each byte arrives once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SeerError } from '../errors.ts'
import type { Connection } from './host-connection.ts'
import { MAX_CHUNK_BYTES, STREAM_WINDOW_BYTES } from './protocol-parts.ts'

export const WAITS = {
  /** Until what its other side did not take is sent again. Longer and longer, while it takes nothing at all. */
  retryMs: 5,
  maxRetryMs: 100,
  /** So long a stream that is closed goes on with what was to be written before. */
  flushMs: 5000,
}

export interface HostStream {
  readonly id: string
  /** Ends with the stream. Reading may be left and taken up again. What nobody takes makes whoever writes it wait. */
  readonly input: AsyncIterable<Uint8Array>
  /** In order. Resolves once the host has the bytes; rejects where the stream has ended. */
  write(bytes: Uint8Array): Promise<void>
  /** What was to be written before is written first. */
  close(): void
}

interface Write {
  rest: Uint8Array
  readonly done: PromiseWithResolvers<void>
}

export class OpenStream implements HostStream {
  readonly id: string
  readonly input: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => this.#next() }),
  }
  readonly #connection: Connection
  readonly #onClosed: () => void
  readonly #waits: typeof WAITS
  readonly #chunks: Uint8Array[] = []
  readonly #waiting: ((result: IteratorResult<Uint8Array, undefined>) => void)[] = []
  readonly #gone = new AbortController()
  #isOver = false
  #taken = 0
  #allowed = STREAM_WINDOW_BYTES
  readonly #writes: Write[] = []
  #written = 0
  #writing: Promise<void> | undefined
  #hasEnded = false
  #isClosed = false

  /** `onClosed` is called once it has been closed from here: what still comes of it is nobody's. */
  constructor(connection: Connection, id: string, onClosed: () => void, waits: typeof WAITS) {
    this.#connection = connection
    this.id = id
    this.#onClosed = onClosed
    this.#waits = waits
  }

  /** What has come. */
  take(bytes: Uint8Array): void {
    if (this.#isOver) return
    const waiting = this.#waiting.shift()
    if (!waiting) {
      this.#chunks.push(bytes)
      return
    }
    waiting({ done: false, value: bytes })
    this.#count(bytes)
  }

  /** Its other side has closed it. What has come can still be read, and what is on its way may have arrived before. */
  end(): void {
    this.#hasEnded = true
    this.#overIn()
  }

  /** Nothing comes or goes any more. */
  stop(why: SeerError): void {
    this.#overIn()
    this.#overOut(why)
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#gone.signal.aborted) return Promise.reject(this.#gone.signal.reason as SeerError)
    if (this.#isClosed || this.#hasEnded) return Promise.reject(ended())
    const done = Promise.withResolvers<void>()
    this.#writes.push({ rest: bytes, done })
    this.#writing ??= this.#writeOn()
    return done.promise
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#chunks.length = 0
    this.#overIn()
    void this.#close()
  }

  async #close(): Promise<void> {
    if (this.#writing) await Promise.race([this.#writing, sleep(this.#waits.flushMs, undefined, { ref: false })])
    const isOpen = !this.#hasEnded && !this.#gone.signal.aborted
    this.#overOut(ended())
    if (isOpen) await this.#connection.request('stream/close', { connection: this.id }).catch(() => undefined)
    this.#onClosed()
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const value = this.#chunks.shift()
    if (value) {
      this.#count(value)
      return Promise.resolve({ done: false, value })
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #count({ byteLength }: Uint8Array): void {
    this.#taken += byteLength
    if (this.#isOver || this.#taken + STREAM_WINDOW_BYTES / 2 < this.#allowed) return
    this.#allowed = this.#taken + STREAM_WINDOW_BYTES
    const params = { connection: this.id, bytes: this.#allowed }
    // Where that fails for good the reader of all streams fails, too.
    this.#connection.request('stream/allow', params, this.#gone.signal).catch(() => undefined)
  }

  #overIn(): void {
    this.#isOver = true
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined })
  }

  #overOut(why: SeerError): void {
    this.#gone.abort(why)
    for (const { done } of this.#writes.splice(0)) done.reject(this.#gone.signal.reason)
  }

  /** Never rejects: whoever wrote is told. */
  async #writeOn(): Promise<void> {
    const { retryMs, maxRetryMs } = this.#waits
    let pauseMs = retryMs
    try {
      while (this.#writes.length > 0) {
        const chunk = this.#nextChunk()
        const taken = await this.#send(chunk)
        this.#advance(taken)
        if (this.#hasEnded) throw ended()
        if (taken === chunk.byteLength) continue
        pauseMs = taken > 0 ? retryMs : Math.min(2 * pauseMs, maxRetryMs)
        await sleep(pauseMs, undefined, { signal: this.#gone.signal })
      }
    } catch (error) {
      this.#overOut(asSeerError(error))
    } finally {
      // At once: who waited for the last byte may write the next one before anybody else has a turn.
      this.#writing = undefined
    }
  }

  /** What several have written goes together. */
  #nextChunk(): Buffer {
    const parts: Uint8Array[] = []
    let room = MAX_CHUNK_BYTES
    for (const { rest } of this.#writes) {
      if (room === 0) break
      parts.push(rest.subarray(0, room))
      room -= parts.at(-1)!.byteLength
    }
    const [first] = parts
    if (first && parts.length === 1) return Buffer.from(first.buffer, first.byteOffset, first.byteLength)
    return Buffer.concat(parts)
  }

  async #send(chunk: Buffer): Promise<number> {
    const params = { connection: this.id, offset: this.#written, base64: chunk.toString('base64') }
    const { accepted } = await this.#connection.request('stream/write', params, this.#gone.signal)
    const taken = accepted - this.#written
    if (taken < 0 || taken > chunk.byteLength)
      throw new SeerError('host-answer-invalid', {
        message: `The host has taken ${accepted} bytes of a stream, it says.`,
      })
    return taken
  }

  #advance(taken: number): void {
    this.#written += taken
    let left = taken
    for (let write = this.#writes[0]; write && write.rest.byteLength <= left; write = this.#writes[0]) {
      left -= write.rest.byteLength
      this.#writes.shift()
      write.done.resolve()
    }
    if (this.#writes[0]) this.#writes[0].rest = this.#writes[0].rest.subarray(left)
  }
}

function asSeerError(error: unknown): SeerError {
  if (error instanceof SeerError && error.code !== 'unknown-stream') return error
  return ended(error)
}

function ended(cause?: unknown): SeerError {
  return new SeerError('stream-ended', {
    message: 'The other side of a connection into the sandbox has closed it.',
    cause,
  })
}
