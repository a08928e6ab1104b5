/** Which cells of a session a replay runs, and in which order. Pure. */
import type { By, EventOf, RunEvent } from '../../run/events.ts'
import { cellsFold, cellsOf, type CellState } from '../../run/fold-cells.ts'
import { fold } from '../../run/fold.ts'

export interface PlannedCell {
  readonly cell: string
  readonly code: string
  readonly by: By
  readonly hidden: boolean
  /** Of the kernel that ran it then; one that is larger than that of the cell before means a restart in between. */
  readonly generation: number
  /** After this it is interrupted: it had taken much less, or had been interrupted itself. */
  readonly limitMs: number
  /** Files that the agent had written by a tool before it. */
  readonly files: readonly WrittenFile[]
}

export interface WrittenFile {
  readonly path: string
  readonly text: string
}

export interface SessionPlan {
  readonly session: string
  /** The set-up code of the researcher's workspace, where it had any. */
  readonly initCode: string | undefined
  readonly hiddenModelLoading: boolean
  readonly cells: readonly PlannedCell[]
  readonly left: readonly { readonly cell: string; readonly why: string }[]
}

const LIMIT_FACTOR = 10
const LIMIT_MORE_MS = 60_000
/** What every session begins with by itself: see `set-up.ts` and `place-workspace.ts`. */
const OWN_SETUP = /^seer\.setup\(\)$|^import sys\nsys\.path \+= \[folder for folder in /

/** `all`: everything that ran, as it ran. Else what the notebook shows, top to bottom, in one kernel. */
export function planSession(
  events: readonly RunEvent[],
  session: string,
  { all, fromSnapshot }: { all: boolean; fromSnapshot: boolean },
): SessionPlan {
  const own = events.filter((event) => event.session === session)
  const begun = new Map(
    own.flatMap((event) => (event.type === 'cell-start' && event.cell !== undefined ? [[event.cell, event.seq]] : [])),
  )
  const states = cellsOf(fold(cellsFold, own)).filter(({ kind, cell }) => kind === 'code' && begun.has(cell))
  const setUp = states.filter(({ by, generation }) => by === 'setup' && (generation ?? 1) === 1)
  // In a sandbox that began with a snapshot, cells of the set-up may also be those that it had run again.
  const init = fromSnapshot ? undefined : setUp.find(({ source }) => !OWN_SETUP.test(source))
  const isSetUp = ({ by, source }: CellState) => by === 'setup' && (OWN_SETUP.test(source) || source === init?.source)
  const inOrder = all ? states.toSorted((one, two) => begun.get(one.cell)! - begun.get(two.cell)!) : states
  const files = writtenFiles(events, session)
  const cells: PlannedCell[] = []
  const left: { cell: string; why: string }[] = []
  for (const state of inOrder.filter((one) => !isSetUp(one))) {
    const why = all ? whyNotAtAll(state) : whyNot(state)
    if (why === undefined)
      cells.push(planned(state, files.splice(0, files.filter(({ seq }) => seq < begun.get(state.cell)!).length)))
    else left.push({ cell: state.cell, why })
  }
  const first = setUp.find(({ source }) => source === 'seer.setup()')
  return { session, initCode: init?.source, hiddenModelLoading: first?.hidden ?? true, cells, left }
}

function planned(state: CellState, files: readonly WrittenFile[]): PlannedCell {
  const { cell, source, by, hidden, generation, durationMs, interrupts } = state
  const took = durationMs ?? 0
  const limitMs = interrupts > 0 ? took : took * LIMIT_FACTOR + LIMIT_MORE_MS
  return {
    cell,
    code: source,
    by,
    hidden,
    generation: generation ?? 1,
    limitMs,
    files: files.map(({ path, text }) => ({ path, text })),
  }
}

function whyNot(state: CellState): string | undefined {
  const { status, supersededBy, removed, interrupts } = state
  if (supersededBy !== null) return `replaced by ${supersededBy}`
  if (removed) return 'taken out of the notebook'
  if (interrupts > 0) return 'interrupted then: nobody knows when to interrupt it now'
  if (status === 'died') return 'the kernel had died in it'
  return whyNotAtAll(state)
}

function whyNotAtAll({ status, begunIn }: CellState): string | undefined {
  if (begunIn !== null) return `it had begun in the run ${begunIn}`
  if (status === 'aborted') return 'it had never run'
  if (status === 'stopped') return 'Seer had ended the kernel in it'
  if (status === 'detached') return 'it went on when its sandbox was let go'
  if (status === 'unknown' || status === 'running') return 'how it had ended is not known'
  return undefined
}

/** Of a run with several sessions nothing says into which sandbox a tool wrote. */
function writtenFiles(events: readonly RunEvent[], session: string): (WrittenFile & { seq: number })[] {
  const sessions = new Set(events.flatMap((event) => (event.type === 'session-start' ? [event.session] : [])))
  if (sessions.size !== 1 || !sessions.has(session)) return []
  const asked = new Map(
    events.flatMap((event) =>
      event.type === 'tool-start' && event.name === 'write_file' ? [[keyOf(event), event]] : [],
    ),
  )
  return events.flatMap((event) => {
    if (event.type !== 'tool-end' || event.name !== 'write_file' || event.isError) return []
    const input = asked.get(keyOf(event))?.input
    if (typeof input !== 'object' || input === null || Array.isArray(input)) return []
    const { path, text } = input
    return typeof path === 'string' && typeof text === 'string' ? [{ path, text, seq: event.seq }] : []
  })
}

const keyOf = ({ by, call }: EventOf<'tool-start' | 'tool-end'>): string => `${by}/${call}`
