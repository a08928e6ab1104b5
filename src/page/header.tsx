/** What one must know of a run at any time: what it is, how it stands, and how far it may be believed. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { Summary } from '../run/fold-summary.ts'
import { count, fineDuration, elapsed } from '../amounts.ts'
import { Budget } from './budget.tsx'
import { Badge, RunBadge, type ShownStatus } from './status.tsx'
import type { ComponentChildren } from 'preact'

export interface RunHeaderProps {
  readonly summary: Summary
  readonly status: ShownStatus
  /** By the clock of the run, while it goes on. */
  readonly nowMs?: number | undefined
  /** What stands in it besides: controls in the page. */
  readonly children?: ComponentChildren
}

export function RunHeader({ summary, status, nowMs, children }: RunHeaderProps) {
  const { experiment, profile, run } = summary
  return (
    <div class="run-header">
      <div class="run-title">
        <h1>{neutralise(experiment ?? 'Run')}</h1>
        {profile !== null && <span class="run-profile">{neutralise(profile)}</span>}
        <RunBadge status={status} />
        <Origin summary={summary} />
        <Confinement confinement={summary.confinement} />
        {children}
      </div>
      <dl class="run-facts">
        <Fact name="Model" value={summary.subjects.map(({ name }) => neutralise(name)).join(', ') || 'none'} />
        <Fact name="Time" value={timeOf(summary, status, nowMs)} />
        <Fact
          name="Cells"
          value={<Cells cells={summary.cells} goesOn={status === 'running' || status === 'loading'} />}
        />
        <Fact name="Findings" value={count(summary.findings)} />
        <Fact
          name="Cost"
          value={
            <Budget costUsd={summary.costUsd} budgetUsd={summary.budgetUsd} recorded={summary.recorded.length > 0} />
          }
        />
        {run !== null && <Fact name="Run" value={<code>{neutralise(run)}</code>} />}
      </dl>
    </div>
  )
}

function Fact({ name, value }: { name: string; value: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** A played recording must never pass for a live run. */
function Origin({ summary: { recorded, agents } }: { summary: Summary }) {
  if (recorded.length > 0) return <Badge tone="warn" sign="◉" word="recorded agent" />
  return agents.length > 0 ? <Badge tone="quiet" sign="◉" word="live agent" /> : null
}

function Confinement({ confinement }: { confinement: string | null }) {
  if (confinement === null) return null
  return confinement === 'none' ? (
    <Badge tone="warn" sign="△" word="not confined" />
  ) : (
    <Badge tone="quiet" sign="▣" word={`confined: ${neutralise(confinement)}`} />
  )
}

function Cells({ cells, goesOn }: Pick<Summary, 'cells'> & { goesOn: boolean }) {
  const { ok, failed, interrupted, stopped, superseded } = cells
  const running = goesOn ? cells.running : 0
  const other = interrupted + stopped + cells.unknown + cells.running - running
  return (
    <>
      <span class="tone-ok">{count(ok)} ok</span>
      {failed > 0 && <span class="tone-error"> · {count(failed)} failed</span>}
      {other > 0 && <span class="tone-warn"> · {count(other)} stopped</span>}
      {running > 0 && <span class="tone-busy"> · {count(running)} running</span>}
      {superseded > 0 && <span class="quiet"> · {count(superseded)} replaced</span>}
    </>
  )
}

function timeOf({ startedAt, durationMs }: Summary, status: ShownStatus, nowMs: number | undefined): string {
  if (startedAt === null) return '–'
  return status === 'running' && nowMs !== undefined
    ? elapsed(Math.max(0, nowMs - Date.parse(startedAt)))
    : fineDuration(durationMs)
}
