/**
 * Messages as `Content-Length` frames on a byte stream, for vscode-jsonrpc. Its own reader and writer wait for turns of the event loop, and
 * write each header by itself, which wakes every process on the way twice.
 */
import type { Readable, Writable } from 'node:stream'
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Message,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node'
import { FrameLimit, type BadFrame } from './frame-limit.ts'

const END = Buffer.from('\r\n\r\n')

/** `onBad` is told of what must not be read any further, and why. */
export class FramesReader extends AbstractMessageReader implements MessageReader {
  readonly #input: Readable
  readonly #onBad: (bad: BadFrame) => void
  readonly #limit = new FrameLimit()
  #callback: DataCallback | undefined
  #parts: Buffer[] = []
  #held = 0
  /** Of the message whose header was read. */
  #length: number | undefined

  constructor(input: Readable, onBad: (bad: BadFrame) => void) {
    super()
    this.#input = input
    this.#onBad = onBad
    input.on('error', (error) => this.fireError(error))
    input.on('close', () => this.fireClose())
  }

  listen(callback: DataCallback) {
    this.#callback = callback
    this.#input.on('data', this.#take)
    return this
  }

  override dispose(): void {
    this.#input.off('data', this.#take)
    super.dispose()
  }

  readonly #take = (chunk: Buffer) => {
    const bad = this.#limit.take(chunk)
    if (bad) return this.#onBad(bad)
    this.#parts.push(chunk)
    this.#held += chunk.length
    try {
      for (let body = this.#body(); body !== undefined; body = this.#body())
        this.#callback?.(JSON.parse(body.toString()) as Message)
    } catch (error) {
      this.fireError(error)
    }
  }

  /** The next one, once all of it is there. Its header was looked at already. */
  #body(): Buffer | undefined {
    if (this.#length === undefined) {
      if (this.#held === 0) return undefined
      const all = this.#whole()
      const end = all.indexOf(END)
      if (end < 0) return undefined
      this.#length = Number(/\d+/.exec(all.toString('latin1', 0, end))?.[0])
      this.#keep(all.subarray(end + END.length))
    }
    if (this.#held < this.#length) return undefined
    const all = this.#whole()
    const body = all.subarray(0, this.#length)
    this.#keep(all.subarray(this.#length))
    this.#length = undefined
    return body
  }

  #whole(): Buffer {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
  }

  #keep(rest: Buffer): void {
    this.#parts = rest.length > 0 ? [rest] : []
    this.#held = rest.length
  }
}

export class FramesWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #output: Writable

  constructor(output: Writable) {
    super()
    this.#output = output
    output.on('error', (error) => this.fireError(error))
    output.on('close', () => this.fireClose())
  }

  write(message: Message): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const text = JSON.stringify(message)
    this.#output.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`, (error) =>
      error ? reject(error) : resolve(),
    )
    return promise
  }

  end(): void {
    this.#output.end()
  }
}
