/**
 * The outputs of a cell as one text, as a model reads them, with a position for every byte of it: of what is shown, and of
 * what is left out and can be asked for. Text that is not in hand (the middle of a long stream, a file) is a segment without.
 */
import { textOfHtml } from './html-text.ts'
import { isBlobRef, type BlobRef, type MimeBundle } from './nbformat.ts'
import { blobOf, isImageMime, isJsonMime, rasterMimeOf, textMimeOf } from './mime.ts'
import { itemsOf, type DataOutput, type OutputItem, type OutputList } from './outputs.ts'
import { latexText } from './latex-text.ts'
import { PLOTLY_MIME, plotlyText } from './plotly-text.ts'
import { readableJson } from './readable-json.ts'
import { viewOfStream, type StreamText } from './stream-text.ts'
import { stripAnsi } from './terminal-text.ts'

/** Where missing text is: bytes `at` on of a stream of this cell, or of a file in artifacts/. */
export type TextSource = { kind: 'stream'; n: number; at: number } | { kind: 'blob'; sha256: string; at: number }

export interface Segment {
  /** UTF-8 bytes from the start of the whole text. */
  readonly from: number
  readonly to: number
  readonly text?: string
  readonly source?: TextSource
  /** Can be read, and is not shown unasked: the middle frames of a long traceback. */
  readonly skip?: boolean
}

type Part = string | { text: string; skip: true } | { bytes: number; source: TextSource }

export function segmentsOf(list: OutputList): Segment[] {
  const segments: Segment[] = []
  let at = 0
  let lineIsOpen = false
  const add = (part: Part) => {
    const text = typeof part === 'string' ? part : 'text' in part ? part.text : undefined
    const bytes = text === undefined ? (part as { bytes: number }).bytes : Buffer.byteLength(text)
    if (bytes === 0) return
    segments.push({ from: at, to: at + bytes, ...(typeof part === 'string' ? { text: part } : part) })
    at += bytes
    lineIsOpen = text === undefined || !text.endsWith('\n')
  }
  const addAll = (parts: Part[]) => {
    if (lineIsOpen && parts.length > 0) add('\n')
    for (const part of parts) add(part)
  }
  let lateIsSaid = false
  const addItem = (item: OutputItem) => {
    if (item.late && !lateIsSaid) {
      addAll(["[after the cell's end:]\n"])
      lateIsSaid = true
    }
    addAll(partsOf(item))
  }
  for (const item of list.first) addItem(item)
  if (list.cut)
    addAll([`[… ${count(list.cut.outputs)} outputs in the middle left out; they are in the run's event log …]\n`])
  for (const item of list.last) addItem(item)
  return segments
}

/** The images of a cell, in the order of their marks in the text. */
export function imagesOf(list: OutputList): { mime: string; value: string | BlobRef }[] {
  return itemsOf(list).flatMap((item) => {
    const image = item.kind === 'data' ? rasterOf(item.output.data) : undefined
    return image ? [image] : []
  })
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

function rasterOf(data: MimeBundle): { mime: string; value: string | BlobRef } | undefined {
  const mime = rasterMimeOf(data)
  const found = mime === undefined ? undefined : data[mime]
  const value = typeof found === 'string' ? found : blobOf(found)
  return mime === undefined || value === undefined ? undefined : { mime, value }
}

function partsOf(item: OutputItem): Part[] {
  if (item.kind === 'stream')
    return [...(item.name === 'stderr' ? ['[stderr]\n'] : []), ...streamParts(item.n, item.text)]
  if (item.kind === 'data') return item.widget === undefined ? dataParts(item.output) : [`[widget] ${item.widget}`]
  const { ename, evalue, traceback } = item.output
  if (isBlobRef(traceback) || traceback.length === 0) {
    const frames: Part[] = isBlobRef(traceback) ? blobParts(traceback) : []
    return [...frames, '\n', `${ename}: `, ...(isBlobRef(evalue) ? blobParts(evalue) : [stripAnsi(evalue)])]
  }
  return tracebackParts(traceback.map(stripAnsi))
}

function streamParts(n: number, stream: StreamText): Part[] {
  const { head, leftOutBytes, tail } = viewOfStream(stream)
  if (leftOutBytes === 0) return [head]
  return [head, { bytes: leftOutBytes, source: { kind: 'stream', n, at: Buffer.byteLength(head) } }, tail]
}

const LONG_TRACEBACK = 4_000

/** The first and the last frames, and the message: what is between is rarely the cause. */
function tracebackParts(entries: string[]): Part[] {
  const pieces = entries.length > 4 ? entries : entries.join('\n').split('\n')
  const total = pieces.reduce((sum, piece) => sum + piece.length + 1, 0)
  if (total <= LONG_TRACEBACK || pieces.length < 5) return [entries.join('\n')]
  let first = 2
  let last = pieces.length - 2
  let shown = [...pieces.slice(0, first), ...pieces.slice(last)].reduce((sum, piece) => sum + piece.length, 0)
  const take = (piece: string) => shown + piece.length <= LONG_TRACEBACK && (shown += piece.length) >= 0
  while (last - 1 > first && take(pieces[last - 1]!)) {
    last -= 1
    if (last - 1 > first && shown < LONG_TRACEBACK / 2 && take(pieces[first]!)) first += 1
  }
  const between = `${pieces.slice(first, last).join('\n')}\n`
  return [`${pieces.slice(0, first).join('\n')}\n`, { text: between, skip: true }, pieces.slice(last).join('\n')]
}

function dataParts({ data }: DataOutput): Part[] {
  const image = rasterOf(data)
  if (image) {
    const bytes = typeof image.value === 'string' ? Buffer.byteLength(image.value, 'base64') : image.value.bytes
    return [`[image: ${image.mime}, ${count(bytes)} bytes]`]
  }
  if (PLOTLY_MIME in data) return [plotlyText(data[PLOTLY_MIME])]
  const mime = textMimeOf(data)
  const value = mime === undefined ? undefined : data[mime]
  if (mime === undefined || value === undefined) return [`[${Object.keys(data).join(', ') || 'empty display'}]`]
  const blob = blobOf(value)
  if (blob) return blob.encoding === 'base64' || isImageMime(mime) ? [notShown(mime, blob.bytes)] : blobParts(blob)
  if (typeof value !== 'string' || isJsonMime(mime)) return [readableJson(value)]
  if (isImageMime(mime)) return [notShown(mime, Buffer.byteLength(value))]
  if (mime === 'text/html') return [textOfHtml(value)]
  if (mime === 'text/latex') return [latexText(stripAnsi(value))]
  return mime.startsWith('text/') ? [stripAnsi(value)] : [notShown(mime, Buffer.byteLength(value))]
}

function blobParts({ blob, bytes, head = '', tail = '' }: BlobRef): Part[] {
  const start = Buffer.byteLength(head)
  const between = bytes - start - Buffer.byteLength(tail)
  if (between < 0) return [{ bytes, source: { kind: 'blob', sha256: blob, at: 0 } }]
  return [head, { bytes: between, source: { kind: 'blob', sha256: blob, at: start } }, tail]
}

function notShown(mime: string, bytes: number): string {
  return `[${mime}, ${count(bytes)} bytes: not shown]`
}
