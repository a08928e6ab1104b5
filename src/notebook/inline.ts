/** Puts the bytes of files back into a notebook's displays where they fit, and a mark where they do not. */
import type * as nbformat from '@jupyterlab/nbformat'
import { blobOf, isImageMime, isJsonMime } from './mime.ts'
import type { BlobRef } from './nbformat.ts'
import { previewOf, size } from './notebook-outputs.ts'
import type { ReadBlob } from './stream-text.ts'
import { WIDGET_STATE_MIME } from './widget-text.ts'

const MAX_IMAGE_BYTES = 20 * 1024 * 1024
const MAX_OTHER_BYTES = 2 * 1024 * 1024
const MAX_PLAIN_BYTES = 128 * 1024
/** Of all widgets together. */
const MAX_WIDGET_BYTES = 16 * 1024 * 1024

export function inline(notebook: nbformat.INotebookContent, readBlob: ReadBlob): nbformat.INotebookContent {
  return { ...inlineMetadata(notebook, readBlob), cells: notebook.cells.map((cell) => inlineCell(cell, readBlob)) }
}

/** Of the widgets' state, too; what does not fit is named beside it. */
export function inlineMetadata<N extends Pick<nbformat.INotebookContent, 'metadata'>>(
  notebook: N,
  readBlob: ReadBlob,
): N {
  const widgets = notebook.metadata['widgets'] as Record<string, WidgetStates> | undefined
  const states = widgets?.[WIDGET_STATE_MIME]
  if (!states) return notebook
  const { state, leftOut } = inlineWidgets(states.state, readBlob)
  const seer = notebook.metadata['seer'] as object | undefined
  const metadata = {
    ...notebook.metadata,
    widgets: { ...widgets, [WIDGET_STATE_MIME]: { ...states, state } },
    ...(leftOut.length > 0 ? { seer: { ...seer, widgetsLeftOut: leftOut } } : {}),
  }
  return { ...notebook, metadata }
}

interface WidgetStates {
  readonly state: Readonly<Record<string, WidgetState>>
}
interface WidgetState {
  readonly state: Readonly<Record<string, unknown>>
  readonly buffers?: readonly { readonly encoding: 'base64'; readonly path: unknown; readonly data: BlobRef }[]
}

function inlineWidgets(widgets: WidgetStates['state'], readBlob: ReadBlob) {
  const leftOut: string[] = []
  let room = MAX_WIDGET_BYTES
  const value = (id: string, what: string, mime: string, blob: BlobRef): unknown[] => {
    const found = blob.bytes > room ? { why: 'too large to stand here' } : valueOf(mime, blob, readBlob)
    if ('value' in found) {
      room -= blob.bytes
      return [found.value]
    }
    leftOut.push(`${what} of the widget ${id}, ${size(blob.bytes)}: ${found.why}; artifacts/${blob.blob}`)
    return []
  }
  const state = Object.fromEntries(
    Object.entries(widgets).map(([id, widget]) => {
      const fields = Object.entries(widget.state).flatMap(([name, field]) => {
        const blob = blobOf(field)
        if (!blob) return [[name, field] as const]
        const mime = blob.encoding === 'json' ? 'application/json' : 'text/x-widget'
        return value(id, name, mime, blob).map((found) => [name, found] as const)
      })
      const buffers = widget.buffers?.flatMap(({ path, data, encoding }) =>
        value(id, JSON.stringify(path), 'application/octet-stream', data).map((found) => ({
          encoding,
          path,
          data: found,
        })),
      )
      return [id, { ...widget, state: Object.fromEntries(fields), ...(buffers ? { buffers } : {}) }]
    }),
  )
  return { state, leftOut }
}

export function inlineCell<C extends nbformat.ICell>(cell: C, readBlob: ReadBlob): C {
  const outputs = cell['outputs'] as nbformat.IOutput[] | undefined
  if (!outputs?.some(({ data }) => data && Object.values(data).some(blobOf))) return cell
  return { ...cell, outputs: outputs.map((output) => inlineOutput(output, readBlob)) }
}

export function inlineOutput(output: nbformat.IOutput, readBlob: ReadBlob): nbformat.IOutput {
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
