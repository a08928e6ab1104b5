/** A widget as text: what its last state says, for a model, a terminal, and every reader of notebooks that draws none. */
import { isBlobRef, type MimeBundle, type Widget } from './nbformat.ts'
import { textOfHtml } from './html-text.ts'

export const WIDGET_VIEW_MIME = 'application/vnd.jupyter.widget-view+json'
export const WIDGET_STATE_MIME = 'application/vnd.jupyter.widget-state+json'

const MAX_CHARS = 2000
const MAX_VALUE = 200
const MAX_CHILDREN = 100
/** Of one text: a widget may be inside of many others, and of itself. */
const MAX_WIDGETS = 300
const REFERENCE = /^IPY_MODEL_([A-Za-z0-9_-]{1,128})$/

export type FindWidget = (id: string) => Widget | undefined

/** The widget that a display stands for. */
export function widgetOf(data: MimeBundle): string | undefined {
  const view = data[WIDGET_VIEW_MIME]
  if (typeof view !== 'object' || view === null || Array.isArray(view) || !('model_id' in view)) return undefined
  return typeof view.model_id === 'string' ? view.model_id : undefined
}

/** The widgets inside of one. */
export function childrenOf({ state }: Widget): string[] {
  const children = state['children']
  if (!Array.isArray(children)) return []
  return children.slice(0, MAX_CHILDREN).flatMap((child) => {
    const id = typeof child === 'string' ? REFERENCE.exec(child)?.[1] : undefined
    return id === undefined ? [] : [id]
  })
}

/** Undefined where nothing is known of it. */
export function widgetText(id: string, find: FindWidget): string | undefined {
  const widget = find(id)
  if (!widget) return undefined
  const text = textOf(widget, find, { left: MAX_WIDGETS })
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS).toWellFormed()}…`
}

function textOf(widget: Widget, find: FindWidget, room: { left: number }): string {
  const { state } = widget
  const kind = kindOf(state)
  const children = childrenOf(widget)
  if (children.length > 0) {
    room.left -= children.length
    if (room.left < 0) return `[${kind}]`
    const inside = children.flatMap((child) => find(child) ?? [])
    const kinds = inside.map((child) => kindOf(child.state)).join()
    if (kinds === 'HTML,FloatProgress,HTML') return tqdmText(inside)
    const texts = inside.map((child) => textOf(child, find, room)).filter((text) => text !== '')
    return texts.join(kind === 'HBox' ? ' ' : '\n')
  }
  const value = state['value']
  const name = typeof state['description'] === 'string' ? textOfHtml(state['description']).replace(/:$/, '') : ''
  const named = (text: string) => (name === '' ? text : `${name}: ${text}`)
  if (kind === 'HTML' || kind === 'HTMLMath' || kind === 'Label')
    return named(isBlobRef(value) ? `[${kind}, ${value.bytes} bytes]` : textOfHtml(short(value, MAX_CHARS)))
  if (kind.endsWith('Progress')) return named(progress(state))
  const about = name === '' ? kind : `${kind} ${JSON.stringify(name)}`
  if (widget.buffers.length > 0) {
    const bytes = widget.buffers.reduce((sum, { data }) => sum + data.bytes, 0)
    return `${about} (${bytes.toLocaleString('en-US')} bytes of data)`
  }
  const labels = state['_options_labels']
  const index = state['index']
  if (Array.isArray(labels)) {
    const chosen = (Array.isArray(index) ? index : [index]).flatMap((at) =>
      typeof at === 'number' && labels[at] !== undefined ? [short(labels[at])] : [],
    )
    return `${about}: ${chosen.join(', ') || 'nothing chosen'} (of ${labels.length})`
  }
  if (value === undefined || isBlobRef(value)) return about
  const { min, max } = state
  const range = typeof min === 'number' && typeof max === 'number' ? ` (${min} to ${max})` : ''
  return `${about}: ${short(value)}${range}`
}

/** `tqdm: train: 100% 50/50 [00:00<00:00, 94.5it/s]`: its bar is between two texts that say all. */
function tqdmText(parts: readonly Widget[]): string {
  const [left, , right] = parts.map(({ state }) => textOfHtml(short(state['value'], MAX_VALUE)))
  // Its spaces are of those that do not break.
  return `tqdm: ${[left, right].filter((text) => text !== '').join(' ')}`.replaceAll(/\s+/g, ' ')
}

function progress({ value, min, max }: Widget['state']): string {
  if (typeof value !== 'number' || typeof max !== 'number') return short(value)
  const from = typeof min === 'number' ? min : 0
  const share = max > from ? ` (${Math.round((100 * (value - from)) / (max - from))}%)` : ''
  return `${value}/${max}${share}`
}

function kindOf(state: Widget['state']): string {
  const name = state['_model_name']
  return typeof name === 'string' ? name.replace(/Model$/, '').slice(0, 60) : 'widget'
}

function short(value: unknown, limit = MAX_VALUE): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length <= limit ? text : `${text.slice(0, limit).toWellFormed()}…`
}
