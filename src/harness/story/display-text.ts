/** What a cell showed, as lines of text: a figure by its size and place, a table as text, an error by its last lines. */
import { isBlobRef, type BlobRef, type Output } from '../../notebook/nbformat.ts'
import { isImageMime, rasterMimeOf } from '../../notebook/mime.ts'
import { count, segmentsOf } from '../../notebook/output-text.ts'
import { outputsOf, type DataOutput } from '../../notebook/outputs.ts'
import type { ReadBlob } from '../../notebook/stream-text.ts'
import { size } from '../../amounts.ts'
import { inline, linesOf } from './look.ts'

type ErrorOutput = Extract<Output, { output_type: 'error' }>

const ERROR_LINES = 10

export function linesOfDisplay(output: DataOutput, readBlob?: ReadBlob): string[] {
  const mime = rasterMimeOf(output.data) ?? ('image/svg+xml' in output.data ? 'image/svg+xml' : undefined)
  const value = mime === undefined ? undefined : output.data[mime]
  if (mime !== undefined && (typeof value === 'string' || isBlobRef(value))) return [figureLine(mime, value, readBlob)]
  return linesOf(textOf(output))
}

/** The end of a traceback says what happened; the rest is in the notebook. */
export function linesOfError(output: ErrorOutput): string[] {
  const lines = linesOf(
    textOf(output)
      .trim()
      .replace(/^-{20,}\n/, ''),
  )
  if (lines.length <= ERROR_LINES + 2) return lines
  const left = lines.length - ERROR_LINES
  return [`… ${count(left)} earlier lines of the traceback`, ...lines.slice(left)]
}

export function artifactPath(sha256: string): string {
  return `artifacts/${sha256.slice(0, 12)}…`
}

function textOf(output: DataOutput | ErrorOutput): string {
  const segments = segmentsOf(outputsOf([output]))
  return segments
    .map(({ text, skip, from, to }) =>
      text === undefined || skip ? `\n[… ${count(to - from)} bytes left out …]\n` : text,
    )
    .join('')
}

function figureLine(mime: string, value: string | BlobRef, readBlob: ReadBlob | undefined): string {
  const kind = isImageMime(mime)
    ? mime
        .slice('image/'.length)
        .replace(/\+xml$/, '')
        .toUpperCase()
    : mime
  const isText = mime === 'image/svg+xml'
  const bytes = isBlobRef(value) ? value.bytes : isText ? Buffer.byteLength(value) : Buffer.byteLength(value, 'base64')
  const pixels = isText ? undefined : pixelsOf(firstBytes(value, readBlob))
  const place = isBlobRef(value) ? ` → ${artifactPath(value.blob)}` : ''
  return `[figure ${pixels ? `${pixels} ` : ''}${inline(kind, 20)}, ${size(bytes)}${place}]`
}

function firstBytes(value: string | BlobRef, readBlob: ReadBlob | undefined): Buffer {
  if (typeof value === 'string') return Buffer.from(value.slice(0, 64), 'base64')
  try {
    return Buffer.from(readBlob?.(value.blob, { from: 0, to: 48 }) ?? [])
  } catch {
    return Buffer.alloc(0)
  }
}

/** Width and height stand near the start of a PNG and a GIF. Others are told by their size in bytes alone. */
function pixelsOf(start: Buffer): string | undefined {
  if (start.length >= 24 && start.toString('latin1', 1, 4) === 'PNG')
    return `${start.readUInt32BE(16)}×${start.readUInt32BE(20)}`
  if (start.length >= 10 && start.toString('latin1', 0, 4) === 'GIF8')
    return `${start.readUInt16LE(6)}×${start.readUInt16LE(8)}`
  return undefined
}
