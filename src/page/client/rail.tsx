/** Beside the timeline: the findings at a glance, and about the run. */
import { useMemo } from 'preact/hooks'
import { neutralise } from '../../notebook/terminal-text.ts'
import { shortened } from '../../amounts.ts'
import { Facts } from '../facts.tsx'
import type { RunState } from '../run-state.ts'

export interface RailProps {
  readonly run: RunState
  readonly live: boolean
  readonly goTo: (index: number) => void
}

export function Rail({ run, live, goTo }: RailProps) {
  const { entries } = run.timeline
  // Above the timeline, in a narrow window, it would only be in the way.
  const isBeside = useMemo(() => window.matchMedia('(min-width: 1180px)').matches, [])
  const findings = entries.flatMap((entry, index) => (entry.kind === 'finding' ? [{ entry, index }] : []))
  return (
    <aside class="rail" aria-label="About the run">
      <section>
        <h2>Findings</h2>
        {findings.length === 0 && <p class="quiet">{live ? 'None so far.' : 'None.'}</p>}
        <ol class="rail-findings">
          {findings.map(({ entry, index }) => {
            const found = run.findings.findings[entry.index]
            return found ? (
              <li key={entry.seq}>
                <button type="button" class="rail-finding" onClick={() => goTo(index)}>
                  <span class="rail-confidence">{Math.round(found.finding.confidence * 100)}%</span>
                  <span>{shortened(neutralise(found.finding.claim).replaceAll(/[*`]/g, ''), 240)}</span>
                </button>
              </li>
            ) : null
          })}
        </ol>
      </section>
      <details class="rail-about" open={isBeside}>
        <summary>
          <h2>About this run</h2>
        </summary>
        <Facts summary={run.summary} />
      </details>
    </aside>
  )
}
