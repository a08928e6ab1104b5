/** A cell's outputs as nbformat 4.5 writes them, with a mark in every place where something is left out. Pure. */
import type * as nbformat from '@jupyterlab/nbformat'
import { byteLength } from './byte-length.ts'
import { blobOf, isJsonMime } from './mime.ts'
import { isBlobRef, type BlobRef } from './nbformat.ts'
import type { DataOutput, OutputItem, OutputList } from './outputs.ts'
import { viewOfStream, type StreamText } from './stream-text.ts'

const LATE = '[what follows came after the cell had ended]'

/** Files stay {@link BlobRef}s in display data; `inline` puts in what fits. Everything else is a valid notebook's already. */
export function notebookOutputs(list: OutputList): nbformat.IOutput[] {
  const { first, cut, last } = list
  const late = [...first, ...last].find((item) => item.late)
  const outputs = (item: OutputItem) => (item === late ? [markOutput(LATE), outputOf(item)] : [outputOf(item)])
  const mark =
    cut && markOutput(`[… ${cut.outputs} outputs (${size(cut.bytes)}) left out here; they are in events.jsonl …]`)
  return [...first.flatMap(outputs), ...(mark ? [mark] : []), ...last.flatMap(outputs)]
}

/** Words of Seer's own among the outputs of a cell; its metadata tells it from what the cell put out. */
export function markOutput(text: string): nbformat.IOutput {
  return { output_type: 'display_data', data: { 'text/plain': text }, metadata: { seer: { mark: true } } }
}

/** `98.3 MB (98,304,000 bytes)` */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  const exact = `${bytes.toLocaleString('en-US')} bytes`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB (${exact})` : `${(bytes / 1e6).toFixed(1)} MB (${exact})`
}

function outputOf(item: OutputItem): nbformat.IOutput {
  if (item.kind === 'stream') return { output_type: 'stream', name: item.name, text: textOfStream(item.text) }
  if (item.kind === 'data') return dataOf(item.output, item.widget)
  const { ename, evalue, traceback } = item.output
  return {
    output_type: 'error',
    ename,
    evalue: isBlobRef(evalue) ? previewOf(evalue) : evalue,
    traceback: isBlobRef(traceback) ? [previewOf(traceback)] : traceback,
  }
}

function textOfStream(stream: StreamText): string {
  const { head, leftOutBytes, tail } = viewOfStream(stream)
  return leftOutBytes === 0 ? head : head + leftOut(leftOutBytes, stream.blobs) + tail
}

function leftOut(bytes: number, blobs: readonly { sha256: string }[]): string {
  const named = blobs.slice(0, 3).map(({ sha256 }) => `artifacts/${sha256}`)
  const more = blobs.length > 3 ? ` and ${blobs.length - 3} more` : ''
  // One file that holds all that is missing can be opened; anything else is found through the log.
  const where = blobs.length === 0 ? 'events.jsonl' : `events.jsonl and ${named.join(', ')}${more}`
  return `\n[… ${size(bytes)} left out; all of it: ${where} …]\n`
}

/** The start and the end of a text that is kept as a file. */
export function previewOf({ blob, bytes, head = '', tail = '' }: BlobRef): string {
  const between = bytes - byteLength(head) - byteLength(tail)
  return between <= 0 ? head + tail : `${head}\n[… ${size(between)} left out; all of it: artifacts/${blob} …]\n${tail}`
}

/** What a widget said last stands in place of the text that it was shown with, for all who cannot draw it. */
function dataOf(output: DataOutput, widget: string | undefined): nbformat.IOutput {
  const values = widget === undefined ? output.data : { ...output.data, 'text/plain': widget }
  const data = Object.fromEntries(Object.entries(values).map(([mime, value]) => [mime, mimeValue(mime, value)]))
  const shared = { data, metadata: output.metadata as nbformat.OutputMetadata }
  if (output.output_type === 'display_data') return { output_type: 'display_data', ...shared }
  const count = output.execution_count
  return { output_type: 'execute_result', ...shared, execution_count: count === null || count < 0 ? null : count }
}

/** Only JSON types may hold anything but text. */
function mimeValue(mime: string, value: unknown): string | nbformat.IMimeBundle[string] {
  if (typeof value === 'string' || blobOf(value) || isJsonMime(mime)) return value as nbformat.IMimeBundle[string]
  const isLines = Array.isArray(value) && value.every((line) => typeof line === 'string')
  return isLines ? value.join('') : JSON.stringify(value)
}
