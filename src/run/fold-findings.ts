/** What the agents submitted. The first submission of each agent counts; later ones are listed, and not counted. */
import type { By, Finding } from './events.ts'
import { foldBy } from './fold.ts'

export interface SubmittedFinding {
  finding: Finding
  by: By
  at: string
  seq: number
  /** Nothing has checked it: it is the agent's claim. */
  standing: 'claim'
  counted: boolean
}

export interface FindingsState {
  findings: SubmittedFinding[]
}

export const findingsFold = foldBy<FindingsState>(() => ({ findings: [] }), {
  'finding-submit': (state, { finding, by, at, seq }) => {
    const counted = !state.findings.some((earlier) => earlier.by === by)
    state.findings.push({ finding, by, at, seq, standing: 'claim', counted })
  },
})
