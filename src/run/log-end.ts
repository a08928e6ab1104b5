/** The end of a log after a crash: where its last valid line ends, and what is to be done with the rest. */
import {
  appendFileSync,
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { envelopeSchema } from './events.ts'

const FIRST_LOOK_BYTES = 64 * 1024

/**
 * Moves everything after the last valid line to `events.torn` beside the log: a line that was being written when the process
 * or the machine died. Nothing is dropped. `lastSeq` is undefined when no valid line is left, or there is no log yet.
 */
export function cutTornEnd(path: string): { lastSeq: number | undefined; tornBytes: number } {
  if (!statSync(path, { throwIfNoEntry: false })?.size) return { lastSeq: undefined, tornBytes: 0 }
  const file = openSync(path, 'r+')
  try {
    const size = fstatSync(file).size
    const { end, lastSeq } = lastValidLine(file, size)
    if (end < size) {
      keepAside(join(dirname(path), 'events.torn'), file, end, size)
      ftruncateSync(file, end)
      fdatasyncSync(file)
    }
    return { lastSeq, tornBytes: size - end }
  } finally {
    closeSync(file)
  }
}

function lastValidLine(file: number, size: number): { end: number; lastSeq: number | undefined } {
  for (let look = FIRST_LOOK_BYTES; ; look *= 4) {
    const start = Math.max(0, size - look)
    const bytes = readRange(file, start, size)
    let end = bytes.lastIndexOf(0x0a)
    while (end >= 0) {
      // A line whose start is out of view is no valid one; should none be found, more comes into view.
      const before = end === 0 ? -1 : bytes.lastIndexOf(0x0a, end - 1)
      const seq = seqOf(bytes.subarray(before + 1, end))
      if (seq !== undefined) return { end: start + end + 1, lastSeq: seq }
      end = before
    }
    if (start === 0) return { end: 0, lastSeq: undefined }
  }
}

function seqOf(line: Uint8Array): number | undefined {
  try {
    const event = envelopeSchema.safeParse(JSON.parse(Buffer.from(line).toString()))
    return event.success ? event.data.seq : undefined
  } catch {
    return undefined
  }
}

function keepAside(path: string, file: number, from: number, to: number): void {
  const aside = openSync(path, 'a')
  try {
    for (let at = from; at < to; at += 1024 * 1024)
      appendFileSync(aside, readRange(file, at, Math.min(to, at + 1024 * 1024)))
    appendFileSync(aside, '\n')
    fdatasyncSync(aside)
  } finally {
    closeSync(aside)
  }
}

function readRange(file: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from)
  for (let at = 0; at < bytes.length;) {
    const read = readSync(file, bytes, at, bytes.length - at, from + at)
    if (read === 0) return bytes.subarray(0, at)
    at += read
  }
  return bytes
}
