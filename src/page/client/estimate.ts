/** About how tall an entry is before it was ever drawn. The better the guess, the steadier the scroll bar. */
import { itemsOf } from '../../notebook/outputs.ts'
import { sizeOfStream } from '../../notebook/stream-text.ts'
import { versionOf } from '../entry.tsx'
import { imageMimeOfItem } from '../marks.ts'
import { recordedRow } from '../recorded-row.tsx'
import type { RunState } from '../run-state.ts'
import type { Entry } from '../timeline.ts'

const LINE = 20
const CHARS_A_LINE = 90
const FIGURE = 400
const ROW = 30
const MAX_ROWS = 12

/** By the number of an entry. What is known of a cell is used again until it changes. */
export function heightEstimator(run: RunState): (index: number) => number {
  const known = new Map<number, { version: string; height: number }>()
  return (index) => {
    const entry = run.timeline.entries[index]!
    const version = versionOf(entry, run)
    const before = known.get(entry.seq)
    if (before?.version === version) return before.height
    const height = estimateHeight(entry, run)
    known.set(entry.seq, { version, height })
    return height
  }
}

function estimateHeight(entry: Entry, run: RunState): number {
  switch (entry.kind) {
    case 'cell':
      return cellHeight(run, entry.key)
    case 'words':
      return 56 + Math.ceil(Math.min(entry.text.length, 6000) / CHARS_A_LINE) * 24
    case 'finding':
      return 320
    case 'drift':
      return 220
    case 'call':
    case 'process':
      return 44
    case 'connect':
    case 'snapshot':
      return 32
    default:
      return 64
  }
}

function cellHeight(run: RunState, key: string): number {
  const cell = run.cells.cells[key]
  if (!cell) return 0
  if (cell.supersededBy !== null || cell.removed || cell.hidden) return 52
  if (cell.kind === 'markdown') return 72 + Math.ceil(cell.source.length / CHARS_A_LINE) * 24
  let height = 76 + Math.min(42, linesIn(cell.source)) * LINE
  let rows = 0
  for (const item of itemsOf(cell.outputs)) {
    const isRow = item.kind === 'data' && recordedRow(item.output.data) !== undefined
    rows = isRow ? rows + 1 : 0
    if (rows > 1) {
      height += rows > MAX_ROWS ? 0 : ROW
      continue
    }
    if (item.kind === 'error') height += 300
    else if (item.kind === 'stream') height += 20 + Math.min(34, Math.ceil(sizeOfStream(item.text) / 50)) * LINE
    else height += imageMimeOfItem(item) === undefined ? 60 : FIGURE
    if (height > 4000) break
  }
  return height
}

function linesIn(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at >= 0 && lines < 50; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
