/** The places that a reader jumps to. */
import { failureText } from '../../run/command-text.ts'
import { figuresIn, hasFailed } from '../marks.ts'
import type { RunState } from '../run-state.ts'
import type { Entry } from '../timeline.ts'

export type Landmark = 'cell' | 'error' | 'figure' | 'finding'

export function isLandmark(kind: Landmark, entry: Entry, run: RunState): boolean {
  if (entry.kind === 'finding') return kind === 'finding'
  if (entry.kind === 'call') return kind === 'error' && run.tools.calls[entry.key]?.status === 'refused'
  if (entry.kind === 'process')
    return kind === 'error' && entry.end !== null && entry.end !== 'unknown' && failureText(entry.end) !== null
  if (entry.kind === 'end') return kind === 'error' && entry.error !== null
  if (entry.kind !== 'cell') return false
  const cell = run.cells.cells[entry.key]
  if (!cell) return false
  if (kind === 'cell') return true
  if (kind === 'error') return hasFailed(cell)
  return kind === 'figure' && figuresIn(cell) > 0
}

/** The next one from `from` in a direction, and around the end; undefined when there is none. */
export function findLandmark(run: RunState, kind: Landmark, from: number, step: 1 | -1): number | undefined {
  const { entries } = run.timeline
  const n = entries.length
  for (let i = 1; i <= n; i++) {
    const at = (((from + step * i) % n) + n) % n
    if (isLandmark(kind, entries[at]!, run)) return at
  }
  return undefined
}

export interface Counts {
  errors: number
  figures: number
  findings: number
}

/** Counts again only what changed since. */
export function landmarkCounter(): (run: RunState) => Counts {
  const known = new Map<string, { version: number; error: number; figures: number }>()
  return (run) => {
    const counts: Counts = { errors: 0, figures: 0, findings: run.findings.findings.length }
    for (const entry of run.timeline.entries) {
      if (entry.kind !== 'cell') {
        if (isLandmark('error', entry, run)) counts.errors += 1
        continue
      }
      const cell = run.cells.cells[entry.key]
      if (!cell) continue
      let facts = known.get(entry.key)
      if (facts?.version !== cell.version) {
        const error = isLandmark('error', entry, run) ? 1 : 0
        facts = { version: cell.version, error, figures: figuresIn(cell) }
        known.set(entry.key, facts)
      }
      counts.errors += facts.error
      counts.figures += facts.figures
    }
    return counts
  }
}
