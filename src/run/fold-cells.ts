/** The cells of a run as they stand: code, who wrote it, what came of it. Bounded, however much the cells put out. */
import { addOutput, emptyOutputs, itemsOf, updateDisplay, type OutputList } from '../notebook/outputs.ts'
import { widgetOf } from '../notebook/widget-text.ts'
import { keyOf, moveCell, placeCell } from './fold-order.ts'
import type { By, EventOf, RunEvent } from './events.ts'
import { foldBy } from './fold.ts'
import { emptyWidgets, takeWidget, textOfWidget, widgetKey, type WidgetsState } from './fold-widgets.ts'

/**
 * `unknown`: the run ended, or a line of the log is missing, before the cell's end was heard of. `detached`: the run has let go of its
 * sandbox, and the cell went on.
 */
export type CellStatus = 'running' | 'detached' | EventOf<'cell-end'>['status']

export interface CellState {
  kind: 'code' | 'markdown'
  /** Unique in its session. */
  cell: string
  session: string | null
  source: string
  by: By
  hidden: boolean
  supersedes: string | null
  supersededBy: string | null
  /** The cell whose code it runs again. */
  replays: string | null
  /** The earlier run in which it began; what it put out there is not here. */
  begunIn: string | null
  /** It was taken out of the notebook, where it stands closed. */
  removed: boolean
  status: CellStatus
  executionCount: number | null
  durationMs: number | null
  generation: number | null
  outputs: OutputList
  /** Messages of it that came after its end. */
  lateMessages: number
  interrupts: number
  lost: { reason: EventOf<'output-lost'>['reason']; messages: number; bytes: number }[]
  /** Counts up with every change, so that what is made of a cell need not be made again. */
  version: number
}

export interface CellsState {
  /** Keys of `cells`, in the order of the notebook: a cell stands after the one that it supersedes. */
  order: string[]
  cells: Record<string, CellState>
  /** By {@link sessionKey}, the ids of the session's cells as they came. */
  begun: Record<string, string[]>
  /** By {@link sessionKey}, those of its cells that put out something after their end. */
  late: Record<string, string[]>
  /** The cells in which a display id was shown: an update changes all of them. */
  displays: Record<string, string[]>
  widgets: WidgetsState
  /** The cells in which a widget is shown. */
  widgetViews: Record<string, string[]>
}

export function cellKey(event: { session?: string | undefined; cell?: string | undefined }): string {
  return keyOf(event.session, event.cell ?? 'outside')
}

/** Of any session that a log may name, also `__proto__`. */
export function sessionKey(session: string | null): string {
  return `${session ?? ''}/`
}

/** The cells in order. */
export function cellsOf(state: CellsState): CellState[] {
  return state.order.map((key) => state.cells[key]!)
}

export const cellsFold = foldBy<CellsState>(
  () => ({ order: [], cells: {}, begun: {}, late: {}, displays: {}, widgets: emptyWidgets(), widgetViews: {} }),
  {
    'cell-start': (state, event) => {
      const cell = openCell(state, event, 'code', event)
      const { code: source, by, hidden, replays = null, begun = null } = event
      Object.assign(cell, { source, by, hidden, replays, status: begun?.status ?? 'running' })
      if (begun && begun.run !== event.run) cell.begunIn = begun.run
      touch(cell, event)
    },
    'markdown-add': (state, event) => {
      const cell = openCell(state, event, 'markdown', event)
      Object.assign(cell, { source: event.text, by: event.by, status: 'ok' })
      touch(cell, event)
    },
    'cell-output': (state, event) => {
      const cell = openCell(state, event, 'code')
      takeOutput(state, cell, event)
      touch(cell, event)
    },
    'widget-update': (state, event) => {
      for (const id of takeWidget(state.widgets, event))
        for (const key of state.widgetViews[widgetKey(event.session, id)] ?? []) showWidget(state, key, id)
    },
    'cell-end': (state, event) => {
      const cell = openCell(state, event, 'code')
      Object.assign(cell, { status: event.status, executionCount: event.executionCount, durationMs: event.durationMs })
      touch(cell, event)
    },
    'cell-remove': (state, event) => {
      const cell = state.cells[cellKey(event)]
      if (!cell) return
      cell.removed = true
      cell.version += 1
    },
    'cell-move': (state, event) => {
      const cell = state.cells[cellKey(event)]
      if (cell) moveCell(state, cell, event.after)
    },
    'cell-interrupt': (state, event) => {
      if (event.cell === undefined) return
      const cell = openCell(state, event, 'code')
      cell.interrupts += 1
      touch(cell, event)
    },
    'output-lost': (state, event) => {
      if (event.cell === undefined) return
      const cell = openCell(state, event, 'code')
      const known = cell.lost.find(({ reason }) => reason === event.reason)
      if (known) Object.assign(known, { messages: known.messages + event.messages, bytes: known.bytes + event.bytes })
      else cell.lost.push({ reason: event.reason, messages: event.messages, bytes: event.bytes })
      touch(cell, event)
    },
    'kernel-dead': (state, event) =>
      endRunning(state, event.reason === 'asked' ? 'stopped' : 'died', event.session ?? null),
    'session-detach': (state, event) => endRunning(state, 'detached', event.session ?? null),
    'run-end': (state) => endRunning(state, 'unknown'),
  },
)

interface Place {
  readonly supersedes?: string | undefined
  readonly after?: string | null | undefined
}

/** The cell of an event. One whose start is missing is made all the same: its output is not lost for that. */
function openCell(state: CellsState, event: RunEvent, kind: CellState['kind'], place: Place = {}): CellState {
  const { supersedes = null, after } = place
  const key = cellKey(event)
  const known = state.cells[key]
  if (known) return known
  const cell: CellState = {
    kind,
    cell: event.cell ?? 'outside',
    session: event.session ?? null,
    source: '',
    by: event.by,
    hidden: false,
    supersedes,
    supersededBy: null,
    replays: null,
    begunIn: null,
    removed: false,
    status: 'unknown',
    executionCount: null,
    durationMs: null,
    generation: null,
    outputs: emptyOutputs(),
    lateMessages: 0,
    interrupts: 0,
    lost: [],
    version: 0,
  }
  state.cells[key] = cell
  listOf(state.begun, cell).push(cell.cell)
  placeCell(state, cell, after)
  return cell
}

function listOf(lists: Record<string, string[]>, { session }: CellState): string[] {
  return (lists[sessionKey(session)] ??= [])
}

function touch(cell: CellState, event: RunEvent): void {
  cell.generation = event.kernel?.generation ?? cell.generation
  cell.version += 1
}

function takeOutput(state: CellsState, cell: CellState, event: EventOf<'cell-output'>): void {
  const { output } = event
  const late = hasEnded(cell)
  if (late && cell.lateMessages === 0) listOf(state.late, cell).push(cell.cell)
  if (late) cell.lateMessages += 1
  const id = 'display_id' in output ? output.display_id : undefined
  const shownIn = id === undefined ? [] : (state.displays[`${event.session ?? ''}/${id}`] ??= [])
  if (output.output_type === 'update_display_data' && !late) {
    for (const other of shownIn) {
      const shown = state.cells[other]
      if (shown && updateDisplay(shown.outputs, output)) shown.version += 1
    }
    return
  }
  addOutput(cell.outputs, output, { late, into: event.into })
  const key = cellKey(event)
  if (id !== undefined && !shownIn.includes(key)) shownIn.push(key)
  const widget = 'data' in output ? widgetOf(output.data) : undefined
  if (widget === undefined) return
  const views = (state.widgetViews[widgetKey(event.session, widget)] ??= [])
  if (!views.includes(key)) views.push(key)
  showWidget(state, key, widget)
}

/** One of whose start nothing was heard is taken to go on. */
function hasEnded({ status, durationMs, begunIn }: CellState): boolean {
  return status !== 'running' && !(status === 'unknown' && durationMs === null && begunIn === null)
}

/** Writes what a widget says now where the cell shows it. */
function showWidget(state: CellsState, key: string, id: string): void {
  const cell = state.cells[key]
  const text = cell && textOfWidget(state.widgets, cell.session, id)
  if (!cell || text === undefined) return
  for (const item of itemsOf(cell.outputs))
    if (item.kind === 'data' && widgetOf(item.output.data) === id) item.widget = text
  cell.version += 1
}

function endRunning(state: CellsState, status: CellStatus, session?: string | null): void {
  for (const cell of cellsOf(state)) {
    if (cell.status !== 'running' || (session !== undefined && cell.session !== session)) continue
    cell.status = status
    cell.version += 1
  }
}
