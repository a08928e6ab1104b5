/** What was tried, also what led nowhere: a claim is read beside the attempts that it came out of. */
import { showHidden } from '../../notebook/hidden-characters.ts'
import type { CellState } from '../../run/fold-cells.ts'
import { plural, size } from '../../amounts.ts'
import { CellLink } from '../cell.tsx'
import { Notice } from '../notice.tsx'
import type { View } from '../view.ts'
import type { ReportInput } from './report-input.ts'

const MAX_LISTED = 60

export function Tried({ input, view }: { input: ReportInput; view: View }) {
  const { summary, story, notices } = input
  const { cells, calls, kernels, lost } = summary
  const all = story.flatMap((item) => (item.kind === 'cell' && !item.cell.hidden ? [item.cell] : []))
  return (
    <section id="tried">
      <h2>What was tried</h2>
      <dl class="facts counts">
        <Count name="cells run" n={cells.started} />
        <Count name="went well" n={cells.ok} />
        <Count name="failed" n={cells.failed} />
        <Count name="replaced by a later one" n={cells.superseded} />
        <Count name="interrupted" n={cells.interrupted} />
        <Count name="stopped with the kernel" n={cells.stopped} />
        <Count name="without a known end" n={cells.unknown + cells.running} />
        {calls.made > 0 && <Count name="calls of served functions" n={calls.made} />}
        {calls.failed > 0 && <Count name="of them failed" n={calls.failed} />}
        <Count name="kernel deaths" n={kernels.died} />
      </dl>
      <CellList name="Failed" cells={all.filter(({ status }) => status === 'error' || status === 'died')} view={view} />
      <CellList name="Replaced" cells={all.filter(({ supersededBy }) => supersededBy !== null)} view={view} />
      <CellList name="Interrupted" cells={all.filter(({ interrupts }) => interrupts > 0)} view={view} />
      <CellList name="Output lost" cells={all.filter(({ lost }) => lost.length > 0)} view={view} />
      {lost.messages + lost.bytes > 0 && (
        <p class="lost">
          Output was lost: {plural(lost.messages, 'message')}, {size(lost.bytes)}.
        </p>
      )}
      {notices.map(({ level, code, text, at }) => (
        <Notice key={at + code} level={level} title={code} text={text} />
      ))}
    </section>
  )
}

function Count({ name, n }: { name: string; n: number }) {
  if (n === 0 && name !== 'cells run' && name !== 'failed') return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{n}</dd>
    </div>
  )
}

function CellList({ name, cells, view }: { name: string; cells: CellState[]; view: View }) {
  if (cells.length === 0) return null
  return (
    <p class="cell-list">
      <span class="quiet">{name}:</span>{' '}
      {cells.slice(0, MAX_LISTED).map((cell) => (
        <span key={`${cell.session} ${cell.cell}`}>
          <CellLink session={cell.session} cell={showHidden(cell.cell)} view={view} />{' '}
          <span class="quiet">{errorName(cell)}</span>{' '}
        </span>
      ))}
      {cells.length > MAX_LISTED && <span class="quiet">and {cells.length - MAX_LISTED} more</span>}
    </p>
  )
}

function errorName({ outputs }: CellState): string {
  const error = [...outputs.first, ...outputs.last].find((item) => item.kind === 'error')
  return error?.kind === 'error' ? showHidden(error.output.ename.slice(0, 80)) : ''
}
