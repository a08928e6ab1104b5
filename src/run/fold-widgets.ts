/** The widgets of a run as they are now, and which cells show them. Bounded: of too many, those changed last. */
import type { Widget } from '../notebook/nbformat.ts'
import { childrenOf, widgetText } from '../notebook/widget-text.ts'
import type { EventOf } from './events.ts'

export const MAX_WIDGETS = 3000
export const MAX_WIDGET_CHARS = 8 * 1024 * 1024

interface KnownWidget {
  widget: Widget
  chars: number
}

export interface WidgetsState {
  /** The one that was changed last comes last. */
  known: Record<string, KnownWidget>
  count: number
  chars: number
  /** Of a widget inside of another: the one around it. */
  around: Record<string, string>
}

export function emptyWidgets(): WidgetsState {
  return { known: {}, count: 0, chars: 0, around: {} }
}

/** Ids are made by the agent's code: none may be a name that plain objects have, so all have a slash. */
export function widgetKey(session: string | null | undefined, id: string): string {
  return `${session ?? ''}/${id}`
}

/** Returns the ids of the widgets that look different now: this one, and those around it. */
export function takeWidget(state: WidgetsState, { session, model, widget }: EventOf<'widget-update'>): string[] {
  const key = widgetKey(session, model)
  drop(state, session, key)
  const chars = JSON.stringify(widget).length
  state.known[key] = { widget, chars }
  state.count += 1
  state.chars += chars
  for (const child of childrenOf(widget)) state.around[widgetKey(session, child)] = model
  for (const oldest in state.known) {
    if (state.chars <= MAX_WIDGET_CHARS && state.count <= MAX_WIDGETS) break
    drop(state, oldest.slice(0, oldest.indexOf('/')), oldest)
  }
  const changed = new Set<string>()
  for (let id: string | undefined = model; id !== undefined && !changed.has(id) && changed.size < 30;) {
    changed.add(id)
    id = state.around[widgetKey(session, id)]
  }
  return [...changed]
}

export function textOfWidget(state: WidgetsState, session: string | null | undefined, id: string): string | undefined {
  return widgetText(id, (each) => state.known[widgetKey(session, each)]?.widget)
}

function drop(state: WidgetsState, session: string | undefined, key: string): void {
  const known = state.known[key]
  if (!known) return
  state.count -= 1
  state.chars -= known.chars
  delete state.known[key]
  for (const child of childrenOf(known.widget)) delete state.around[widgetKey(session, child)]
}

/** As nbformat keeps them in a notebook's metadata. Large values and bytes stay references to files; null: there are none. */
export function widgetStates(state: WidgetsState) {
  const entries = Object.entries(state.known).map(([key, { widget }]) => {
    const { state: fields, buffers } = widget
    const named = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '')
    return [
      key.slice(key.indexOf('/') + 1),
      {
        model_name: named('_model_name'),
        model_module: named('_model_module'),
        model_module_version: named('_model_module_version'),
        state: fields,
        ...(buffers.length > 0
          ? { buffers: buffers.map(({ path, data }) => ({ encoding: 'base64' as const, path, data })) }
          : {}),
      },
    ] as const
  })
  return entries.length === 0 ? null : { state: Object.fromEntries(entries), version_major: 2, version_minor: 0 }
}
