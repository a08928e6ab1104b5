/**
 * What a cell put out, for JupyterLab, which trusts it: it runs scripts that stand in HTML. So only kinds that can do nothing are
 * handed on, and HTML stands in a frame that has no scripts, no origin and no network.
 */
import type * as nbformat from '@jupyterlab/nbformat'
import { frameDocument, frameHeight } from '../notebook/html-frame.ts'
import { rasterMimeOf, textMimeOf } from '../notebook/mime.ts'
import type { MimeBundle } from '../notebook/nbformat.ts'
import { size } from '../notebook/notebook-outputs.ts'
import { PLOTLY_MIME, plotlyText } from '../notebook/plotly-text.ts'
import { svgDataUrl } from '../notebook/svg-url.ts'

const escapeAttribute = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

/** By kind: what it is handed on as. Markdown is not among them: JupyterLab makes attributes of what stands behind a fence. */
const SAFE: Readonly<Record<string, (value: string) => readonly [mime: string, value: string]>> = {
  'text/latex': (text) => ['text/latex', text],
  'image/svg+xml': (svg) => ['text/html', frame(`<img src="${svgDataUrl(svg)}">`)],
  'text/html': (html) => ['text/html', frame(html)],
}
/** These are shown as they are written. */
const WORDS = ['text/plain', 'text/markdown', 'application/json']

/** As much as fits into so many characters; what does not is named. */
export function safeData(data: nbformat.IMimeBundle, maxChars: number): nbformat.IMimeBundle {
  const safe = new Map<string, string>()
  const notes = data[PLOTLY_MIME] === undefined ? [] : [plotlyText(data[PLOTLY_MIME])]
  let room = maxChars
  const take = ([mime, value]: readonly [string, string]) => {
    if (value.length > room) return notes.push(`[${mime}, ${size(value.length)}: too large to stand here]`)
    room -= value.length
    return safe.set(mime, value)
  }
  const best = textMimeOf(data as MimeBundle)
  const words = best !== undefined && WORDS.includes(best) ? best : 'text/plain'
  if (data[words] !== undefined) take(['text/plain', textOf(data[words])])
  const raster = rasterMimeOf(data as MimeBundle)
  if (raster !== undefined) {
    const base64 = textOf(data[raster]).replaceAll(/\s/g, '')
    if (/^[A-Za-z0-9+/=]*$/.test(base64)) take([raster, base64])
  }
  for (const [mime, makeSafe] of Object.entries(SAFE)) {
    if (data[mime] !== undefined) take(makeSafe(textOf(data[mime])))
  }
  const plain = safe.get('text/plain')
  const said = plain === undefined ? notes : [plain, ...notes]
  return { ...Object.fromEntries(safe), ...(said.length > 0 ? { 'text/plain': said.join('\n') } : {}) }
}

/** Only how large a picture is drawn: others would take HTML out of its frame (`isolated`). */
export function safeMetadata(metadata: Readonly<Record<string, unknown>> = {}): Record<string, object> {
  const entries = Object.entries(metadata).flatMap(([mime, about]) => {
    if (!mime.startsWith('image/') || typeof about !== 'object' || about === null) return []
    const sizes = Object.entries(about).filter(
      ([name, value]) => ['width', 'height'].includes(name) && typeof value === 'number',
    )
    return [[mime, Object.fromEntries(sizes)] as const]
  })
  return Object.fromEntries(entries)
}

function frame(html: string): string {
  const attributes = 'sandbox="" referrerpolicy="no-referrer" style="border:0;width:100%;background:#fff"'
  return `<iframe ${attributes} height="${frameHeight(html)}" srcdoc="${escapeAttribute(frameDocument(html))}"></iframe>`
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join('')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
