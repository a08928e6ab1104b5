/**
 * What the agents said and claimed, and where it stands among the cells: before the cell that the same agent ran next. So the
 * words that introduce an edit stand before the edit, wherever in the notebook that is.
 */
import type { By, Finding } from './events.ts'
import { cellKey } from './fold-cells.ts'
import { foldBy } from './fold.ts'

interface Said {
  seq: number
  by: By
  /** Before whose next cell it stands; null: before anybody's, since that agent has ended. */
  agent: By | null
}
export interface Words extends Said {
  kind: 'words'
  text: string
  /** Whom the researcher spoke to. */
  to: string | null
}
export interface Claim extends Said {
  kind: 'claim'
  session: string | null
  finding: Finding
  /** The first of its agent; later ones are kept, and do not count. */
  counted: boolean
}
export type Saying = Words | Claim

export interface SaidState {
  /** By the key of the cell that came next. */
  before: Record<string, Saying[]>
  /** No cell has come since. */
  last: Saying[]
  claimed: By[]
}

export const saidFold = foldBy<SaidState>(() => ({ before: {}, last: [], claimed: [] }), {
  'agent-message': (state, { seq, by, agent, role, text }) => {
    // What Seer itself tells the agent is in the log; the notebook has what people and agents said.
    const isSaid = role === 'assistant' || by === 'researcher'
    if (!isSaid || text.trim() === '') return
    const to = role === 'user' ? (agent ?? null) : null
    state.last.push({ kind: 'words', seq, by, agent: to === null ? by : `agent:${to}`, to, text })
  },
  'finding-submit': (state, { seq, by, session = null, finding }) => {
    const counted = !state.claimed.includes(by)
    if (counted) state.claimed.push(by)
    state.last.push({ kind: 'claim', seq, by, agent: by, session, finding, counted })
  },
  'agent-end': (state, { by }) => {
    for (const saying of state.last) if (saying.agent === by) saying.agent = null
  },
  'cell-start': (state, event) => placeBefore(state, event),
  'markdown-add': (state, event) => placeBefore(state, event),
})

function placeBefore(
  state: SaidState,
  event: { by: By; session?: string | undefined; cell?: string | undefined },
): void {
  if (event.by === 'setup') return
  const isNow = ({ agent }: Saying) => agent === null || agent === event.by
  const now = state.last.filter(isNow)
  if (now.length === 0) return
  state.last = state.last.filter((saying) => !isNow(saying))
  const key = cellKey(event)
  state.before[key] = [...(state.before[key] ?? []), ...now]
}
