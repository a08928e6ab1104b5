/**
 * Messages on a byte stream, between Seer and whoever calls or answers: three lengths, then a head (JSON), a body (the JSON text of
 * arguments or of a result) and data (the bytes of arrays). As in `python/seer_client/frames.py`.
 *
 * Body and data are handed on as they came: a number that went through JavaScript would not always be the same number.
 */
import { z } from 'zod'

export const MAX_HEAD_BYTES = 64 * 1024
export const MAX_BODY_BYTES = 8 * 1024 * 1024
export const MAX_DATA_BYTES = 64 * 1024 * 1024
const PREFIX_BYTES = 12

export interface Frame {
  /** A JSON object, not yet checked. */
  readonly head: unknown
  readonly body: Buffer
  readonly data: Buffer
}

/** What the other side sent is no frame: nothing after it can be understood. */
export class FrameError extends Error {}

const EMPTY = Buffer.alloc(0)

/** The parts of a frame, to be written one after another. */
export function encodeFrame(head: object, body: Uint8Array = EMPTY, data: Uint8Array = EMPTY): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(head))
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES)
  for (const [i, part] of [text, body, data].entries()) prefix.writeUInt32BE(part.byteLength, 4 * i)
  const start = Buffer.concat([prefix, text, body])
  return data.byteLength > 0 ? [start, data] : [start]
}

/** The lengths of the buffers in `data`, in order. */
export const buffersSchema = z.array(z.int().nonnegative()).max(1024).default([])

export function fits(buffers: readonly number[], data: Uint8Array): boolean {
  return buffers.reduce((sum, bytes) => sum + bytes, 0) === data.byteLength
}

/** Takes bytes as they come, and gives whole frames. Holds no more than has come. */
export class FrameReader {
  #parts: Uint8Array[] = []
  #held = 0
  #lengths: readonly [number, number, number] | undefined

  /** Bytes of a frame that is not whole yet. */
  get held(): number {
    return this.#held
  }

  /** Throws a {@link FrameError} at the first byte that can be of no frame. */
  *take(chunk: Uint8Array): Generator<Frame> {
    this.#parts.push(chunk)
    this.#held += chunk.byteLength
    for (;;) {
      if (!this.#lengths) {
        if (this.#held < PREFIX_BYTES) return
        this.#lengths = lengthsOf(this.#cut(PREFIX_BYTES))
      }
      const [head, body, data] = this.#lengths
      if (this.#held < head + body + data) return
      const whole = this.#cut(head + body + data)
      this.#lengths = undefined
      yield {
        head: parsedHead(whole.subarray(0, head)),
        body: whole.subarray(head, head + body),
        data: whole.subarray(head + body),
      }
    }
  }

  #cut(bytes: number): Buffer {
    const [first] = this.#parts
    const all =
      this.#parts.length === 1 && first
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(this.#parts)
    const rest = all.subarray(bytes)
    this.#parts = rest.byteLength > 0 ? [rest] : []
    this.#held = rest.byteLength
    return all.subarray(0, bytes)
  }
}

function lengthsOf(prefix: Buffer): readonly [number, number, number] {
  const lengths = [prefix.readUInt32BE(0), prefix.readUInt32BE(4), prefix.readUInt32BE(8)] as const
  const [head, body, data] = lengths
  if (head > 0 && head <= MAX_HEAD_BYTES && body <= MAX_BODY_BYTES && data <= MAX_DATA_BYTES) return lengths
  throw new FrameError(`a message that says to be of ${head}, ${body} and ${data} bytes`)
}

function parsedHead(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new FrameError('a message whose head is not JSON')
  }
}
