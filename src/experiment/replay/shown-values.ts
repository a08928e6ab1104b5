/**
 * What displays hold beside their plain text, of which the text of a cell has the kind only: HTML, LaTeX, JSON, figures of Plotly.
 * Not pictures, and not widgets, which have another id each time.
 */
import { normalised } from '../../harness/cell-text.ts'
import { compareText, type TextComparison } from '../../harness/compare-text.ts'
import { isSeerMime, rasterMimeOf } from '../../notebook/mime.ts'
import { byteLength } from '../../notebook/byte-length.ts'
import { isBlobRef, type MimeBundle } from '../../notebook/nbformat.ts'
import { itemsOf, type OutputList } from '../../notebook/outputs.ts'
import { WIDGET_VIEW_MIME } from '../../notebook/widget-text.ts'

export const DRAWING = 'image/svg+xml'

export interface ShownValue {
  readonly mime: string
  readonly text: string
}

export function shownValues(list: OutputList): ShownValue[] {
  return itemsOf(list).flatMap((item) => {
    if (item.kind !== 'data') return []
    const { data } = item.output
    return valueMimes(data).map((mime) => ({ mime, text: textOf(data[mime]) }))
  })
}

function valueMimes(data: MimeBundle): string[] {
  const apart = ['text/plain', DRAWING, WIDGET_VIEW_MIME, rasterMimeOf(data)]
  return Object.keys(data)
    .filter((mime) => !apart.includes(mime) && !isSeerMime(mime))
    .toSorted()
}

/** Of all that a cell put out but pictures, also of what is kept in files or not kept at all. */
export function textBytes(list: OutputList | undefined): number {
  if (!list) return 0
  const sizes = itemsOf(list).map((item) => {
    if (item.kind === 'stream') return item.text.settledBytes + byteLength(item.text.line)
    if (item.kind === 'error') return byteLength(`${item.output.ename}: `) + bytesOf(item.output.evalue)
    const { data } = item.output
    const mimes = ['text/plain', ...valueMimes(data)].filter((mime) => mime in data)
    return mimes.reduce((sum, mime) => sum + bytesOf(data[mime]), 0)
  })
  return sizes.reduce((sum, bytes) => sum + bytes, list.cut?.bytes ?? 0)
}

function bytesOf(value: unknown): number {
  if (isBlobRef(value)) return value.bytes
  return byteLength(typeof value === 'string' ? value : JSON.stringify(value))
}

/** A file is what its hash says. */
function textOf(value: unknown): string {
  if (isBlobRef(value)) return `${value.bytes} bytes, sha256 ${value.blob}`
  return normalised(typeof value === 'string' ? value : JSON.stringify(value))
}

/** The first that differs, or the largest difference of all. */
export function compareValues(then: readonly ShownValue[], now: readonly ShownValue[], rtol: number): TextComparison {
  let sum: TextComparison = { verdict: 'exact', largestRelative: 0 }
  if (then.length !== now.length)
    return { verdict: 'differs', largestRelative: null, detail: `${then.length} values shown → ${now.length}` }
  for (const [i, { mime, text }] of then.entries()) {
    const found = compareText(text, now[i]!.text, rtol)
    if (found.verdict === 'differs') return { ...found, detail: `${mime}: ${found.detail}` }
    if (found.verdict === 'exact') continue
    sum = { ...found, largestRelative: Math.max(sum.largestRelative ?? 0, found.largestRelative) }
  }
  return sum
}
