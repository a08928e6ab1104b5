/** Puts the bytes of files back into a notebook's displays where they fit, and a mark where they do not. */
import type * as nbformat from '@jupyterlab/nbformat'
import { blobOf, isImageMime, isJsonMime } from './mime.ts'
import type { BlobRef } from './nbformat.ts'
import { previewOf, size } from './notebook-outputs.ts'
import type { ReadBlob } from './stream-text.ts'

const MAX_IMAGE_BYTES = 20 * 1024 * 1024
const MAX_OTHER_BYTES = 2 * 1024 * 1024
const MAX_PLAIN_BYTES = 128 * 1024

export function inline(notebook: nbformat.INotebookContent, readBlob: ReadBlob): nbformat.INotebookContent {
  return { ...notebook, cells: notebook.cells.map((cell) => inlineCell(cell, readBlob)) }
}

export function inlineCell<C extends nbformat.ICell>(cell: C, readBlob: ReadBlob): C {
  const outputs = cell['outputs'] as nbformat.IOutput[] | undefined
  if (!outputs?.some(({ data }) => data && Object.values(data).some(blobOf))) return cell
  return { ...cell, outputs: outputs.map((output) => inlineOutput(output, readBlob)) }
}

function inlineOutput(output: nbformat.IOutput, readBlob: ReadBlob): nbformat.IOutput {
  if (!output['data']) return output
  const data: Record<string, unknown> = {}
  const marks: string[] = []
  for (const [mime, value] of Object.entries(output['data'])) {
    const blob = blobOf(value)
    if (!blob) {
      data[mime] = value
      continue
    }
    const found = valueOf(mime, blob, readBlob)
    if ('value' in found) data[mime] = found.value
    else marks.push(`[${mime}, ${size(blob.bytes)}: ${found.why}; artifacts/${blob.blob}]`)
  }
  const plain = typeof data['text/plain'] === 'string' ? [data['text/plain']] : []
  if (marks.length > 0) data['text/plain'] = [...plain, ...marks].join('\n')
  return { ...output, data: data as nbformat.IMimeBundle }
}

function valueOf(mime: string, blob: BlobRef, readBlob: ReadBlob): { value: unknown } | { why: string } {
  const isPlain = mime === 'text/plain'
  const limit = isImageMime(mime) ? MAX_IMAGE_BYTES : isPlain ? MAX_PLAIN_BYTES : MAX_OTHER_BYTES
  if (blob.bytes > limit) return isPlain ? { value: previewOf(blob) } : { why: 'too large to stand here' }
  try {
    const bytes = Buffer.from(readBlob(blob.blob))
    if (bytes.byteLength > limit) return { why: 'not of the size that was said' }
    if (blob.encoding === 'base64') return { value: bytes.toString('base64') }
    const text = bytes.toString()
    return { value: isJsonMime(mime) ? (JSON.parse(text) as unknown) : text }
  } catch {
    return { why: 'its file is missing or damaged' }
  }
}
