/** Which of a display's mime types to show, and what kind of value each is. */
import { isBlobRef, type BlobRef, type MimeBundle } from './nbformat.ts'

/** Seer's own displays carry a machine's copy of what their text/plain says. */
export const isSeerMime = (mime: string): boolean => mime.startsWith('application/vnd.seer.')
export const isJsonMime = (mime: string): boolean => /^application\/(.*\+)?json$/.test(mime)
export const isImageMime = (mime: string): boolean => mime.startsWith('image/')

/** The picture that a model can be shown. SVG is text, and is not drawn. */
export function rasterMimeOf(data: MimeBundle): string | undefined {
  return ['image/png', 'image/jpeg', 'image/webp', 'image/gif'].find((mime) => mime in data)
}

/** The text of a display that reads best: plain text, unless it only names the object's class. */
export function textMimeOf(data: MimeBundle): string | undefined {
  const plain = data['text/plain']
  const saysNothing = typeof plain === 'string' && /^<[\w.]+(\.[\w.]+)* object( at 0x[0-9a-f]+)?>$/.test(plain.trim())
  if (plain !== undefined && !saysNothing) return 'text/plain'
  const others = ['text/markdown', 'text/latex', 'application/json', 'text/html', 'image/svg+xml', 'text/plain']
  return (
    others.find((mime) => mime in data) ?? Object.keys(data).find((mime) => !isImageMime(mime) && !isSeerMime(mime))
  )
}

/** The file that a value of a display stands for. A JSON value may look like one and not be. */
export function blobOf(value: unknown): BlobRef | undefined {
  return isBlobRef(value) ? value : undefined
}
