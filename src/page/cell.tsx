/** One cell: what it is called, how it went, its code and what came of it. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { By } from '../run/events.ts'
import type { CellState, CellStatus } from '../run/fold-cells.ts'
import { fineDuration, elapsed, plural, size } from '../amounts.ts'
import { Code } from './code.tsx'
import { Disclosure } from './disclosure.tsx'
import { Output } from './output.tsx'
import { nameOf, roleOf } from './person.ts'
import { CellBadge } from './status.tsx'
import { markdownToHtml } from './text/markdown.ts'
import { anchorId, type View } from './view.ts'

export interface CellProps {
  readonly cell: CellState
  /** When it began, for what is still running. */
  readonly startedAtMs?: number | undefined
  /** The cell that a reader has gone to. */
  readonly current?: boolean
  readonly view: View
}

export function Cell({ cell, startedAtMs, current = false, view }: CellProps) {
  const id = anchorId(cell.session, cell.cell)
  const classes = ['cell', `cell-${statusNow(cell, view)}`, `cell-${cell.kind}`, `by-${roleOf(cell.by)}`]
  if (current) classes.push('current')
  // What was replaced, and what Seer did itself, is there and out of the way.
  const aside = cell.supersededBy !== null || cell.removed || cell.hidden
  if (aside) classes.push(cell.hidden ? 'cell-setup' : 'cell-superseded')
  const body = () => <Body id={id} cell={cell} view={view} />
  return (
    <article class={classes.join(' ')} id={id} tabIndex={-1} aria-label={`Cell ${neutralise(cell.cell)}`}>
      {aside ? (
        <Disclosure
          id={id}
          view={view}
          class="cell-aside"
          summary={<Head cell={cell} startedAtMs={startedAtMs} view={view} />}
        >
          {body}
        </Disclosure>
      ) : (
        <>
          <header class="cell-head">
            <Head cell={cell} startedAtMs={startedAtMs} view={view} />
          </header>
          {body()}
        </>
      )}
    </article>
  )
}

function Head({ cell, startedAtMs, view }: Pick<CellProps, 'cell' | 'startedAtMs' | 'view'>) {
  const { kind, interrupts, session, supersedes, supersededBy, replays, removed } = cell
  return (
    <>
      <a class="cell-name" href={view.cellHref(session, cell.cell)} data-cell={anchorId(session, cell.cell)}>
        {neutralise(cell.cell)}
      </a>
      {kind === 'code' && <CellBadge status={statusNow(cell, view)} interrupted={interrupts > 0} />}
      {kind === 'code' && <Took cell={cell} startedAtMs={startedAtMs} view={view} />}
      {cell.hidden && <span class="quiet">set-up by Seer</span>}
      {!cell.hidden && isNamed(cell.by, view) && <span class="person">{nameOf(cell.by)}</span>}
      {supersedes !== null && (
        <span class="quiet">
          replaces <CellLink session={session} cell={supersedes} view={view} />
        </span>
      )}
      {replays !== null && (
        <span class="quiet">
          runs <CellLink session={session} cell={replays} view={view} /> again
        </span>
      )}
      {removed && <span class="quiet">taken out of the notebook</span>}
      {supersededBy !== null && (
        <span class="quiet">
          replaced by <CellLink session={session} cell={supersededBy} view={view} />
        </span>
      )}
      {interrupts > 0 && <span class="quiet">interrupt sent {interrupts > 1 ? `${interrupts} times` : ''}</span>}
    </>
  )
}

function isNamed(by: By, { agents = [] }: View): boolean {
  if (roleOf(by) !== 'agent') return true
  return agents.length > 1 || (agents.length === 1 && !agents.includes(by))
}

function statusNow({ status }: CellState, view: View): CellStatus {
  return status === 'running' && view.ended ? 'unknown' : status
}

function Took({ cell: { status, durationMs }, startedAtMs, view }: Pick<CellProps, 'cell' | 'startedAtMs' | 'view'>) {
  if (durationMs !== null) return <span class="cell-time">{fineDuration(durationMs)}</span>
  if (status !== 'running' || startedAtMs === undefined || view.nowMs === undefined) return null
  return <span class="cell-time">{elapsed(Math.max(0, view.nowMs - startedAtMs))}</span>
}

export function CellLink({ session, cell, view }: { session: string | null; cell: string; view: View }) {
  return (
    <a class="cell-link" href={view.cellHref(session, cell)} data-cell={anchorId(session, cell)}>
      {neutralise(cell)}
    </a>
  )
}

function Body({ id, cell, view }: { id: string; cell: CellState; view: View }) {
  if (cell.kind === 'markdown')
    return <div class="cell-note prose" dangerouslySetInnerHTML={{ __html: markdownToHtml(cell.source) }} />
  return (
    <div class="cell-body">
      <Code id={id} code={cell.source} view={view} label={`Code of ${neutralise(cell.cell)}`} />
      <Output id={id} name={neutralise(cell.cell)} outputs={cell.outputs} view={view} />
      {cell.lost.map(({ reason, messages, bytes }) => (
        <p class="lost" key={reason}>
          {plural(messages, 'message')} ({size(bytes)}) of its output {WHY_LOST[reason]}
        </p>
      ))}
    </div>
  )
}

const WHY_LOST = {
  gap: 'never arrived',
  cap: 'went beyond what a cell may put out, and was not kept',
  invalid: 'was not of the form that output has, and was not kept',
}
