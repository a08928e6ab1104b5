/** How far the fresh numbers of a played recording agree with the recorded ones. */
import type { Compute, EventOf } from '../../run/events.ts'
import { plural } from '../../amounts.ts'
import { clip, widthOf } from './columns.ts'
import { inline, type Look } from './look.ts'

const MAX_ROWS = 20
const WORDS = { exact: 'exact', 'within-tolerance': 'within tolerance', differs: 'differs', missing: 'missing' }

type Report = Pick<EventOf<'drift-report'>, 'cells' | 'rtol' | 'recorded' | 'fresh'>

export function driftTable(look: Look, { cells, rtol, recorded, fresh }: Report): string[] {
  const { colors } = look
  const counts = (['exact', 'within-tolerance', 'differs', 'missing'] as const).flatMap((verdict) => {
    const n = cells.filter((cell) => cell.verdict === verdict).length
    const paint = verdict === 'differs' || verdict === 'missing' ? colors.yellow : colors.green
    return n > 0 ? [paint(`${n} ${WORDS[verdict]}`)] : []
  })
  const notExact = cells.filter(({ verdict }) => verdict !== 'exact')
  const idWidth = Math.max(4, ...notExact.map(({ cell }) => widthOf(inline(cell, 12))))
  const rows = notExact.slice(0, MAX_ROWS).map(({ cell, verdict, largestRelative, detail }) => {
    const largest = largestRelative === null ? '' : `largest difference ${largestRelative.toExponential(1)}`
    const facts = [largest, detail === undefined ? '' : inline(detail, 200)].filter(Boolean).join(' · ')
    return clip(`  ${inline(cell, 12).padEnd(idWidth)}  ${WORDS[verdict].padEnd(16)}  ${facts}`, look.width)
  })
  const left = notExact.length - rows.length
  return [
    `${colors.bold('recorded against fresh output')} ${colors.dim(`· ${plural(cells.length, 'output')}, relative tolerance ${rtol.toExponential(0)}`)}`,
    `  ${counts.join(' · ') || 'no output to compare'}`,
    ...rows,
    ...(left > 0 ? [`  … ${left} more`] : []),
    ...computeRows(look, recorded, fresh),
  ]
}

function computeRows(look: Look, recorded: Compute, fresh: Compute): string[] {
  const then = computeText(recorded)
  const now = computeText(fresh)
  if (then === now) return [`  ${look.colors.dim('both on ')}${now}`]
  return [`  ${look.colors.dim('recorded on  ')}${then}`, `  ${look.colors.dim('fresh on     ')}${now}`]
}

/** What numbers may depend on. */
export function computeText({ python, torch, isa, threads, device }: Compute): string {
  const facts = [
    `torch ${torch ?? 'none'}`,
    isa,
    threads === null ? '' : plural(threads, 'thread'),
    `Python ${python}`,
    device,
  ]
  return facts
    .filter(Boolean)
    .map((fact) => inline(fact, 40))
    .join(', ')
}
