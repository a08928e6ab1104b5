/**
 * Watches a stream of `Content-Length` frames for one that is larger than any that the other side may send, before its reader
 * starts to gather it: a forged length must not grow memory. Holds no more than a header.
 */
import { MAX_MESSAGE_BYTES } from './protocol-parts.ts'

/** What the JSON-RPC envelope may add to a message. */
const MARGIN_BYTES = 64 * 1024
const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + MARGIN_BYTES
const MAX_HEADER_BYTES = 4096
const END = Buffer.from('\r\n\r\n')

/** `too-large` is no accident; what is `no-frame` may be a line that somebody printed into the stream. */
export interface BadFrame {
  readonly kind: 'too-large' | 'no-frame'
  readonly what: string
}

export class FrameLimit {
  #header = Buffer.alloc(0)
  #bodyLeft = 0

  /** Why the stream must not be read any further; undefined while all is well. */
  take(chunk: Buffer): BadFrame | undefined {
    let rest = chunk
    while (rest.length > 0) {
      const body = Math.min(this.#bodyLeft, rest.length)
      this.#bodyLeft -= body
      rest = rest.subarray(body)
      if (rest.length === 0) return undefined
      const known = this.#header.length
      const seen = Buffer.concat([this.#header, rest.subarray(0, MAX_HEADER_BYTES + END.length - known)])
      const end = seen.indexOf(END)
      if (end < 0) {
        if (seen.length >= MAX_HEADER_BYTES) return tooLarge(`a header of more than ${MAX_HEADER_BYTES} bytes`)
        this.#header = seen
        return undefined
      }
      const length = lengthIn(seen.toString('latin1', 0, end))
      if (length === undefined) return { kind: 'no-frame', what: 'no plain Content-Length' }
      if (length > MAX_FRAME_BYTES) return tooLarge(`a message of ${length} bytes (the most is ${MAX_FRAME_BYTES})`)
      this.#header = Buffer.alloc(0)
      this.#bodyLeft = length
      rest = rest.subarray(end + END.length - known)
    }
    return undefined
  }
}

function tooLarge(what: string): BadFrame {
  return { kind: 'too-large', what }
}

/** Read more strictly than the library does, so that no two readings of a header are possible. */
function lengthIn(header: string): number | undefined {
  const found = header.split('\r\n').filter((line) => /^\s*content-length\s*:/i.test(line))
  const digits = found.length === 1 ? /^Content-Length: (\d{1,15})$/i.exec(found[0]!)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}
