/** A cell's outputs as a model is given them: short, every cut marked with its exact size and the way to the rest, images as images. */
import type { BlobRef, Output } from './nbformat.ts'
import { count, imagesOf, segmentsOf, type Segment } from './output-text.ts'
import { outputsOf, type OutputList } from './outputs.ts'
import { MAX_IMAGE_BYTES, scaleImage } from './scale-image.ts'
import type { ReadBlob } from './stream-text.ts'
import { collapse, safeCut, stripAnsi } from './terminal-text.ts'

export type RenderedBlock = { type: 'text'; text: string } | { type: 'image'; mediaType: string; data: Uint8Array }

export interface RenderOptions {
  /** The cell's id, for the marks. */
  readonly cell: string
  readonly readBlob: ReadBlob
  readonly maxChars?: number
  readonly maxImages?: number
}

/** No outputs give no blocks. The text comes first, with a mark where each image stood; then the images in that order. */
export async function renderForModel(
  outputs: OutputList | readonly Output[],
  options: RenderOptions,
): Promise<RenderedBlock[]> {
  const list: OutputList = 'first' in outputs ? outputs : outputsOf(outputs)
  const text = trimmedText(segmentsOf(list), options.cell, options.maxChars ?? 10_000)
  const { blocks, notes } = await renderImages(list, options.readBlob, options.maxImages ?? 4)
  const whole = [text.replace(/\n+$/, ''), ...notes].filter(Boolean).join('\n')
  return whole === '' ? blocks : [{ type: 'text', text: whole }, ...blocks]
}

interface Shown {
  from: number
  to: number
  text: string
}

/** The head (60%) and the tail (40%) of all that is in hand, and between any two stretches how many bytes are not shown. */
export function trimmedText(segments: Segment[], cell: string, maxChars: number): string {
  const visible = segments.flatMap(({ from, to, text, skip }) =>
    text === undefined || skip ? [] : [{ from, to, text }],
  )
  const chars = visible.reduce((sum, { text }) => sum + text.length, 0)
  const shown =
    chars <= maxChars ? visible : headAndTail(visible, Math.floor(maxChars * 0.6), Math.floor(maxChars * 0.4))
  let result = ''
  let stretch = ''
  let at = 0
  const flush = () => ((result += stripAnsi(collapse(stretch))), (stretch = ''))
  const mark = (to: number) => {
    flush()
    const newline = result === '' || result.endsWith('\n') ? '' : '\n'
    result += `${newline}[… ${count(to - at)} bytes left out; read them with read_output(cell="${cell}", from=${at}) …]\n`
  }
  for (const { from, to, text } of shown) {
    if (from > at) mark(from)
    stretch += text
    at = to
  }
  const end = segments.at(-1)?.to ?? 0
  if (end > at) mark(end)
  flush()
  return result
}

function headAndTail(visible: Shown[], headChars: number, tailChars: number): Shown[] {
  const head: Shown[] = []
  const tail: Shown[] = []
  let room = headChars
  for (const segment of visible) {
    if (room <= 0) break
    const text = segment.text.slice(0, headCut(segment.text, room))
    head.push({ from: segment.from, to: segment.from + Buffer.byteLength(text), text })
    room -= segment.text.length
  }
  // The two never meet: there is more text than both have room for.
  room = tailChars
  for (let last = visible.length - 1; last >= 0 && room > 0; last--) {
    const segment = visible[last]!
    const text = segment.text.slice(tailCut(segment.text, room))
    tail.unshift({ from: segment.to - Buffer.byteLength(text), to: segment.to, text })
    room -= segment.text.length
  }
  return [...head, ...tail]
}

/** At a line's end where one is near. */
function headCut(text: string, room: number): number {
  if (text.length <= room) return text.length
  const line = text.lastIndexOf('\n', room - 1) + 1
  return line > room - 200 && line > 0 ? line : safeCut(text, room)
}

function tailCut(text: string, room: number): number {
  if (text.length <= room) return 0
  const at = text.length - room
  const line = text.indexOf('\n', at) + 1
  return line > 0 && line < at + 200 ? line : safeCut(text, at)
}

/** The first and the last of too many: the last one is mostly what the cell was for. */
async function renderImages(
  list: OutputList,
  readBlob: ReadBlob,
  maxImages: number,
): Promise<{ blocks: RenderedBlock[]; notes: string[] }> {
  const images = imagesOf(list)
  const fromStart = Math.ceil(maxImages / 2)
  const blocks: RenderedBlock[] = []
  const notes: string[] = []
  for (const [index, { value }] of images.entries()) {
    if (index >= fromStart && index < images.length - (maxImages - fromStart)) continue
    const name = `image ${index + 1} of ${images.length}`
    const bytes = readImage(value, readBlob)
    const scaled = typeof bytes === 'string' ? { problem: bytes } : await scaleImage(bytes)
    if ('problem' in scaled) notes.push(`[${name} is not shown: ${scaled.problem}]`)
    else blocks.push({ type: 'image', ...scaled })
  }
  const left = images.length - Math.min(images.length, maxImages)
  if (left > 0)
    notes.push(`[${left} of ${images.length} images are not shown: those from ${fromStart + 1} to ${fromStart + left}]`)
  return { blocks, notes }
}

function readImage(value: string | BlobRef, readBlob: ReadBlob): Uint8Array | string {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value, 'base64') : value.bytes
  if (bytes > MAX_IMAGE_BYTES) return `its ${count(bytes)} bytes are too many`
  if (typeof value === 'string') return Buffer.from(value, 'base64')
  try {
    return readBlob(value.blob)
  } catch {
    return 'its file is missing'
  }
}
