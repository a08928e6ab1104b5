/** Reads what a process prints, by position: a lost connection or a slow reader loses nothing. */
import type { Connection } from '../../channel/host-connection.ts'
import type { Result } from '../../channel/protocol.ts'

export type StreamName = 'stdout' | 'stderr'

export interface OutputChunk {
  readonly stream: StreamName
  readonly text: string
}

/** How it ended, as the host says it. */
export type HostEnd = NonNullable<Result<'process/read'>['ended']>

const STREAMS = ['stdout', 'stderr'] as const
const READ_BYTES = 256 * 1024
const WAIT_MS = 20_000
/** Of each stream, in the log. */
const TAIL_CHARS = 8 * 1024

/** How far a process has been read. */
export class ReadSoFar {
  readonly #streams = { stdout: newStream(), stderr: newStream() }

  get at(): Record<StreamName, number> {
    return { stdout: this.#streams.stdout.bytes, stderr: this.#streams.stderr.bytes }
  }

  /** The text of the next bytes. A character may go on in the bytes after them. */
  take(name: StreamName, bytes: Uint8Array, isLast: boolean): string {
    const stream = this.#streams[name]
    stream.bytes += bytes.length
    const text = stream.decoder.decode(bytes, { stream: !isLast })
    stream.tail = endOf(stream.tail + text, TAIL_CHARS)
    return text
  }

  /** The ends of both streams, and how many of the bytes that were read are not in them. */
  get ends(): { stdout: string; stderr: string; omittedBytes: number } {
    const { stdout, stderr } = this.#streams
    const shown = Buffer.byteLength(stdout.tail) + Buffer.byteLength(stderr.tail)
    return {
      stdout: stdout.tail,
      stderr: stderr.tail,
      omittedBytes: Math.max(0, stdout.bytes + stderr.bytes - shown),
    }
  }
}

/** Goes on from where `so` is, which it moves, to the end. Once `signal` is aborted it throws its reason, and moves nothing. */
export async function* readOutput(
  connection: Connection,
  process: string,
  so: ReadSoFar,
  signal: AbortSignal,
): AsyncGenerator<OutputChunk, HostEnd> {
  for (;;) {
    const wanted = { process, ...so.at, maxBytes: READ_BYTES, waitMs: WAIT_MS }
    const answer = await connection.request('process/read', wanted, signal)
    for (const stream of STREAMS) {
      signal.throwIfAborted()
      const text = so.take(stream, Buffer.from(answer[stream], 'base64'), answer.ended !== null)
      if (text !== '') yield { stream, text }
    }
    if (answer.ended) {
      signal.throwIfAborted()
      return answer.ended
    }
  }
}

function newStream() {
  // A mark of the byte order is text like any other.
  return { bytes: 0, tail: '', decoder: new TextDecoder('utf-8', { ignoreBOM: true }) }
}

/** The last characters, and no half of one. */
export function endOf(text: string, chars: number): string {
  if (text.length <= chars) return text
  const end = text.slice(-chars)
  return /^[\udc00-\udfff]/.test(end) ? end.slice(1) : end
}
