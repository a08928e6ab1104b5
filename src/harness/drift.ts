/** Do the cells of a played recording put out what they once did? */
import type { Drift } from '../run/events.ts'
import { withoutCompute } from './cell-text.ts'
import { compareText } from './compare-text.ts'
import type { RecordedCell } from './trajectory.ts'

export const DEFAULT_RTOL = 1e-4

export type Cells = Readonly<Record<string, RecordedCell>>

export function compareCells(recorded: Cells, fresh: Cells, { rtol = DEFAULT_RTOL }: { rtol?: number } = {}): Drift[] {
  const ids = [...new Set([...Object.keys(recorded), ...Object.keys(fresh)])]
  return ids.map((cell) => ({ cell, ...compareCell(recorded[cell], fresh[cell], rtol) }))
}

function compareCell(
  recorded: RecordedCell | undefined,
  fresh: RecordedCell | undefined,
  rtol: number,
): Omit<Drift, 'cell'> {
  if (!recorded || !fresh) {
    const detail = recorded ? 'ran when recorded, and not now' : 'ran now, and not when recorded'
    return { verdict: 'missing', largestRelative: null, detail }
  }
  if (recorded.status !== fresh.status) return differs(`status: ${recorded.status} → ${fresh.status}`)
  // Seer's own set-up may be worded anew, so long as it puts out the same.
  if (!fresh.hidden && recorded.code !== fresh.code) return differs('other code was run')
  const shown = ({ text }: RecordedCell) => (fresh.hidden ? withoutCompute(text) : text)
  return compareText(shown(recorded), shown(fresh), rtol)
}

function differs(detail: string): Omit<Drift, 'cell'> {
  return { verdict: 'differs', largestRelative: null, detail }
}
