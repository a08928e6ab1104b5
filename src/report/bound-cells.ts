/**
 * Cells as they fit into one file: pictures and texts until the report is full, those that a finding rests on first. Where
 * something is left out, a mark says what and where it is.
 */
import { blobOf, rasterMimeOf, textMimeOf } from '../notebook/mime.ts'
import type { BlobRef, MimeBundle } from '../notebook/nbformat.ts'
import { PLOTLY_MIME, plotlyText } from '../notebook/plotly-text.ts'
import type { OutputItem, OutputList } from '../notebook/outputs.ts'
import { sizeOfStream, viewOfStream, type ReadBlob } from '../notebook/stream-text.ts'
import { size } from '../notebook/notebook-outputs.ts'
import type { CellState } from '../run/fold-cells.ts'
import type { FunctionCall } from '../run/fold-calls.ts'
import type { ToolCall } from '../run/fold-tools.ts'
import type { Pictures } from './pictures.ts'

/** Characters of texts and HTML: of one value, and of all together. */
const MAX_VALUE = 1_000_000
const MAX_TOTAL = 20_000_000

export interface Texts {
  room: number
  leftOut: number
}

export const openTexts = (room = MAX_TOTAL): Texts => ({ room, leftOut: 0 })

export interface Room {
  readonly pictures: Pictures
  readonly texts: Texts
  readonly readBlob: ReadBlob
}

export function boundCell(cell: CellState, room: Room): CellState {
  const { outputs, source } = cell
  takeText(room.texts, source.length)
  return { ...cell, outputs: boundOutputs(outputs, room) }
}

export function boundCall(call: ToolCall, { texts }: Room): ToolCall {
  const input = JSON.stringify(call.input)
  const said = call.content.reduce((sum, block) => sum + (block.type === 'text' ? block.text.length : 0), 0)
  const pictures = call.content.map((block): ToolCall['content'][number] =>
    block.type === 'text'
      ? block
      : { type: 'text', text: `[a picture, ${size(block.bytes)}: artifacts/${block.sha256}]` },
  )
  if (takeText(texts, input.length + said)) return { ...call, content: pictures }
  const text = leftOut(`a call and its answer, ${size(input.length + said)}`, undefined, 'events.jsonl')
  return { ...call, input: null, content: [{ type: 'text', text }] }
}

/** What it was given and what came of it stand in the log as well. */
export function boundFunctionCall(call: FunctionCall, { texts }: Room): FunctionCall {
  const chars = call.args.text.length + (call.result?.text.length ?? 0) + (call.error?.traceback?.length ?? 0)
  if (takeText(texts, chars)) return call
  const text = leftOut(`a call and its result, ${size(chars)}`, undefined, 'events.jsonl')
  return { ...call, args: { text, bytes: call.args.bytes }, result: null }
}

function boundOutputs(list: OutputList, room: Room): OutputList {
  const bound = (item: OutputItem) => boundItem(item, room)
  return { ...list, first: list.first.map(bound), last: list.last.map(bound) }
}

function boundItem(item: OutputItem, room: Room): OutputItem {
  const { texts } = room
  if (item.kind === 'stream') {
    if (takeText(texts, sizeOfStream(item.text))) return item
    const { head, leftOutBytes, tail } = viewOfStream(item.text)
    const bytes = Buffer.byteLength(head) + leftOutBytes + Buffer.byteLength(tail)
    return markItem(item.n, `${item.name}, ${size(bytes)}`)
  }
  if (item.kind === 'error') return takeText(texts, item.chars) || item.chars < 20_000 ? item : cutError(item)
  if (item.widget !== undefined) {
    takeText(texts, item.widget.length)
    return { ...item, output: { ...item.output, data: { 'text/plain': item.widget } } }
  }
  return { ...item, output: { ...item.output, data: boundData(item.output.data, room) } }
}

/** Of the kinds in which a display comes, those that are drawn. */
function boundData(data: MimeBundle, room: Room): MimeBundle {
  const { pictures, texts, readBlob } = room
  const record = data['application/vnd.seer.record+json']
  if (record !== undefined && takeText(texts, JSON.stringify(record).length)) return data
  const plain = typeof data['text/plain'] === 'string' ? data['text/plain'] : ''
  const raster = rasterMimeOf(data)
  if (raster !== undefined) {
    const value = data[raster]
    const blob = blobOf(value)
    const bytes = blob?.bytes ?? (typeof value === 'string' ? Math.ceil((value.length * 3) / 4) : 0)
    const fits = blob ? pictures.url(blob.blob, blob.bytes) !== undefined : pictures.take(bytes)
    return fits && value !== undefined ? { [raster]: value } : markData(raster, bytes, blob, plain)
  }
  if (PLOTLY_MIME in data) return { 'text/plain': plotlyText(data[PLOTLY_MIME]) }
  const rich = ['image/svg+xml', 'text/html', 'text/markdown'].find((mime) => mime in data)
  if (rich !== undefined) {
    const blob = blobOf(data[rich])
    const text = blob ? textOf(blob, readBlob) : data[rich]
    const fits = typeof text === 'string' && text.length <= MAX_VALUE && takeText(texts, text.length + plain.length)
    if (fits) return { ...(plain === '' ? {} : { 'text/plain': plain }), [rich]: text }
    return markData(rich, blob?.bytes ?? JSON.stringify(text ?? '').length, blob, plain)
  }
  const mime = textMimeOf(data)
  const value = mime === undefined ? undefined : data[mime]
  if (mime === undefined || value === undefined) return data
  const length = typeof value === 'string' ? value.length : JSON.stringify(value).length
  return takeText(texts, length) ? { [mime]: value } : markData(mime, length, undefined, '')
}

function takeText(texts: Texts, chars: number): boolean {
  if (chars <= texts.room) {
    texts.room -= chars
    return true
  }
  texts.leftOut += chars
  return false
}

function textOf(blob: BlobRef, readBlob: ReadBlob): string | undefined {
  if (blob.bytes > MAX_VALUE) return undefined
  try {
    return Buffer.from(readBlob(blob.blob)).toString()
  } catch {
    return undefined
  }
}

function markData(mime: string, bytes: number, blob: BlobRef | undefined, plain: string): MimeBundle {
  const mark = leftOut(`${mime}, ${size(bytes)}`, blob)
  return { 'text/plain': plain === '' ? mark : `${plain.slice(0, 2000)}\n${mark}` }
}

function markItem(n: number, what: string): OutputItem {
  const text = leftOut(what)
  const output = { output_type: 'display_data' as const, data: { 'text/plain': text }, metadata: {} }
  return { kind: 'data', n, chars: text.length, output }
}

function leftOut(what: string, blob?: BlobRef, where = 'notebook.ipynb'): string {
  return `[${what}: left out of this report; it is in ${blob ? `artifacts/${blob.blob}` : where}]`
}

function cutError(item: Extract<OutputItem, { kind: 'error' }>): OutputItem {
  const { ename, evalue } = item.output
  const message = typeof evalue === 'string' ? evalue.slice(0, 2000) : evalue
  const traceback = [leftOut(`traceback, ${size(item.chars)}`)]
  return { ...item, output: { ...item.output, ename: ename.slice(0, 200), evalue: message, traceback } }
}
