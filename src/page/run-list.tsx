/** All runs: those that go on first. */
import { neutralise } from '../notebook/terminal-text.ts'
import { count, dateTime, fineDuration, plural } from '../amounts.ts'
import { Budget } from './budget.tsx'
import { Badge, RunBadge } from './status.tsx'
import type { RunLine } from './wire.ts'

export interface RunListProps {
  readonly runs: readonly RunLine[]
  readonly runHref: (id: string) => string
}

export function RunList({ runs, runHref }: RunListProps) {
  return (
    <ul class="run-list">
      {runs.map((run) => (
        <li key={run.id} class={run.live ? 'run-line live' : 'run-line'}>
          <Line run={run} href={runHref(run.id)} />
        </li>
      ))}
    </ul>
  )
}

function Line({ run, href }: { run: RunLine; href: string }) {
  const { id, experiment, status, live, startedAt, question, recorded, confinement, cells, findings, durationMs } = run
  const failed = cells.failed
  return (
    <a class="run-link" href={href}>
      <span class="run-line-head">
        <span class="run-line-title">{neutralise(experiment ?? id)}</span>
        <RunBadge status={live ? 'running' : status === 'running' ? 'crashed' : status} />
        {recorded && <Badge tone="warn" sign="◉" word="recorded" />}
        {confinement === 'none' && <Badge tone="warn" sign="△" word="not confined" />}
      </span>
      {question !== null && <span class="run-line-question">{neutralise(question)}</span>}
      <span class="run-line-facts">
        <span>{startedAt === null ? 'no start in its log' : dateTime(startedAt)}</span>
        <span>{fineDuration(durationMs)}</span>
        <span>
          {plural(cells.started, 'cell')}
          {failed > 0 && <span class="tone-error">, {count(failed)} failed</span>}
        </span>
        <span class={findings > 0 ? 'has-findings' : ''}>{plural(findings, 'finding')}</span>
        <span>
          cost <Budget costUsd={run.costUsd} budgetUsd={run.budgetUsd} recorded={recorded} />
        </span>
        <code class="quiet">{id}</code>
      </span>
    </a>
  )
}
