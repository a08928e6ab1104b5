/** Do the cells of a played recording put out what they once did? */
import type { Compute, Drift, EventOf } from '../run/events.ts'
import { compareText } from './compare-text.ts'
import type { RecordedCell } from './trajectory.ts'

export const DEFAULT_RTOL = 1e-4

export type Cells = Readonly<Record<string, RecordedCell>>
export type DriftReport = Pick<EventOf<'drift-report'>, 'recorded' | 'fresh' | 'rtol' | 'cells'>

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
  return compareText(recorded.text, fresh.text, rtol)
}

function differs(detail: string): Omit<Drift, 'cell'> {
  return { verdict: 'differs', largestRelative: null, detail }
}

/** For the terminal: how many agree, then a line a cell, then the two machines. `*` marks what differs. */
export function driftTable({ recorded, fresh, rtol, cells }: DriftReport): string {
  return [counts(cells, rtol), ...cellLines(cells), ...computeLines(recorded, fresh)].join('\n')
}

function counts(cells: readonly Drift[], rtol: number): string {
  const count = (verdict: Drift['verdict']) => cells.filter((cell) => cell.verdict === verdict).length
  return `${cells.length} cells: ${count('exact')} exact, ${count('within-tolerance')} within ${rtol}, ${count('differs')} differ, ${count('missing')} missing`
}

function cellLines(cells: readonly Drift[]): string[] {
  const width = Math.max(0, ...cells.map(({ cell }) => cell.length))
  return cells.map(({ cell, verdict, largestRelative, detail }) => {
    const mark = verdict === 'differs' || verdict === 'missing' ? '*' : ' '
    const size =
      verdict === 'within-tolerance' && largestRelative !== null ? `largest ${largestRelative.toExponential(1)}` : ''
    return `${mark} ${cell.padEnd(width)}  ${verdict.padEnd(16)}  ${detail ?? size}`.trimEnd()
  })
}

function computeLines(recorded: Compute, fresh: Compute): string[] {
  const rows: [string, keyof Compute][] = [
    ['torch', 'torch'],
    ['ISA', 'isa'],
    ['threads', 'threads'],
    ['device', 'device'],
    ['Python', 'python'],
  ]
  return rows.map(([label, key]) => {
    const [before, after] = [String(recorded[key] ?? 'none'), String(fresh[key] ?? 'none')]
    return before === after ? `  ${label.padEnd(8)} ${after}` : `* ${label.padEnd(8)} ${before} → ${after}`
  })
}
