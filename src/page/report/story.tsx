/** All that happened, in its order: the words stand open, every cell is folded. */
import { showHidden } from '../../notebook/hidden-characters.ts'
import { fineDuration } from '../../amounts.ts'
import { Cell } from '../cell.tsx'
import { AgentEnd, AgentStart, RunEnd, Saved } from '../milestone.tsx'
import { FunctionCallLine } from '../function-call.tsx'
import { InterfaceServed, Printed } from '../interface-milestone.tsx'
import { figuresIn } from '../marks.ts'
import { Notice } from '../notice.tsx'
import { ProcessLine } from '../process-line.tsx'
import { Connect, SnapshotSaved } from '../sandbox-milestone.tsx'
import { Saying } from '../saying.tsx'
import { CellBadge } from '../status.tsx'
import { ToolCallLine } from '../tool-call.tsx'
import type { View } from '../view.ts'
import type { CellState } from '../../run/fold-cells.ts'
import type { ReportInput, StoryItem } from './report-input.ts'

export function Story({ story, findings, view }: Pick<ReportInput, 'story' | 'findings'> & { view: View }) {
  return (
    <section id="cells" class="story">
      <h2>All cells</h2>
      {story.length === 0 && <p class="quiet">Nothing happened.</p>}
      {story.map((item, index) => (
        <Item key={index} item={item} findings={findings} view={view} />
      ))}
    </section>
  )
}

function Item({ item, findings, view }: { item: StoryItem; view: View } & Pick<ReportInput, 'findings'>) {
  switch (item.kind) {
    case 'cell':
      return <FoldedCell cell={item.cell} view={view} />
    case 'words':
      return <Saying id={`words-${item.seq}`} {...item} view={view} />
    case 'finding':
      return (
        <p class="milestone">
          <a href={`#finding-${item.index + 1}`}>Finding {item.index + 1}</a> was submitted
          {findings[item.index]?.counted === false && ', after the first one: it does not count'}.
        </p>
      )
    case 'call':
      return <ToolCallLine call={item.call} view={view} />
    case 'function-call':
      return <FunctionCallLine call={item.call} view={view} />
    case 'interface':
      return <InterfaceServed entry={item} view={view} />
    case 'printed':
      return <Printed entry={item} view={view} />
    case 'agent':
      return <AgentStart entry={item} view={view} />
    case 'agent-end':
      return <AgentEnd entry={item} />
    case 'notice':
      return <Notice level={item.level} title={item.title} text={item.text} />
    case 'saved':
      return <Saved entry={item} view={view} />
    case 'process':
      return <ProcessLine entry={item} view={view} />
    case 'connect':
      return <Connect entry={item} />
    case 'snapshot':
      return <SnapshotSaved entry={item} />
    case 'end':
      return <RunEnd entry={item} />
    case 'drift':
      return null
  }
}

/** The cell's own place, to which links lead, is inside the fold: a browser opens a fold around the place that it goes to. */
function FoldedCell({ cell, view }: { cell: CellState; view: View }) {
  const figures = figuresIn(cell)
  return (
    <details class={`report-cell report-cell-${cell.status}`}>
      <summary>
        <span class="cell-name">{showHidden(cell.cell)}</span>
        {cell.kind === 'code' && <CellBadge status={cell.status} interrupted={cell.interrupts > 0} />}
        {cell.durationMs !== null && <span class="cell-time">{fineDuration(cell.durationMs)}</span>}
        {figures > 0 && <span class="quiet">{figures === 1 ? 'a figure' : `${figures} figures`}</span>}
        <code class="report-cell-line">{firstLine(cell.source)}</code>
      </summary>
      <Cell cell={cell} view={view} />
    </details>
  )
}

function firstLine(source: string): string {
  const line = source.split('\n').find((text) => text.trim() !== '') ?? ''
  return showHidden(line.trim().slice(0, 120))
}
