/** Reads any stretch of a cell's output by its position, in bounded memory: what a cut in a tool's answer points to. */
import type { Output } from './nbformat.ts'
import { addOutput, emptyOutputs, type OutputList } from './outputs.ts'
import { segmentsOf, type Segment } from './output-text.ts'
import type { ReadBlob, StreamCapture } from './stream-text.ts'
import { collapse, stripAnsi } from './terminal-text.ts'

/** The messages of a cell in their order; called for each part that has to be looked up in them. */
export type CellMessages = () => AsyncIterable<CellMessage> | Iterable<CellMessage>

export interface CellMessage {
  readonly output: Output
  /** It came after the cell's end. */
  readonly late: boolean
  /** The Output widget that has captured it. */
  readonly into?: string | undefined
}

export interface OutputStretch {
  readonly text: string
  readonly from: number
  /** Where to read on; null at the end. */
  readonly next: number | null
  readonly totalBytes: number
}

/** `list` is what the messages make. */
export async function readOutput(
  list: OutputList,
  messages: CellMessages,
  options: { from: number; maxBytes?: number; readBlob: ReadBlob },
): Promise<OutputStretch> {
  const segments = segmentsOf(list)
  const totalBytes = segments.at(-1)?.to ?? 0
  const from = Math.min(Math.max(0, options.from), totalBytes)
  const to = Math.min(totalBytes, from + (options.maxBytes ?? 10_000))
  const parts: Uint8Array[] = []
  for (const segment of segments) {
    if (segment.from >= to || segment.to <= from) continue
    const stretch = { from: Math.max(from, segment.from) - segment.from, to: Math.min(to, segment.to) - segment.from }
    parts.push(await readSegment(segment, stretch, messages, options.readBlob))
  }
  const { text, cutBytes } = wholeCharacters(Buffer.concat(parts), to === totalBytes)
  const end = to - cutBytes
  return { text: stripAnsi(collapse(text)), from, next: end < totalBytes ? end : null, totalBytes }
}

interface Range {
  from: number
  to: number
}

async function readSegment(
  segment: Segment,
  range: Range,
  messages: CellMessages,
  readBlob: ReadBlob,
): Promise<Uint8Array> {
  const { text, source } = segment
  if (text !== undefined) return Buffer.from(text).subarray(range.from, range.to)
  if (!source) return new Uint8Array()
  const stretch = { from: source.at + range.from, to: source.at + range.to }
  if (source.kind === 'blob') return readBlob(source.sha256, stretch)
  return readStream(source.n, stretch, messages, readBlob)
}

/** Goes through the cell's messages once more; of parts that are files, only the wanted bytes are read. */
async function readStream(
  n: number,
  { from, to }: Range,
  messages: CellMessages,
  readBlob: ReadBlob,
): Promise<Uint8Array> {
  const capture: StreamCapture = { n, from, to, readBlob, parts: [] }
  const list = emptyOutputs()
  for await (const { output, late, into } of messages()) addOutput(list, output, { late, into, capture })
  return Buffer.concat(capture.parts)
}

/** Drops half a character at either end, and says how many bytes at the end those were. */
function wholeCharacters(bytes: Buffer, isEnd: boolean): { text: string; cutBytes: number } {
  let start = 0
  while (start < bytes.length && start < 3 && (bytes[start]! & 0xc0) === 0x80) start++
  let end = bytes.length
  if (!isEnd) {
    let lead = end - 1
    while (lead > start && end - lead < 4 && (bytes[lead]! & 0xc0) === 0x80) lead--
    const first = bytes[lead] ?? 0
    const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
    if (lead + length > end && lead > start) end = lead
  }
  return { text: bytes.toString('utf8', start, end), cutBytes: bytes.length - end }
}
