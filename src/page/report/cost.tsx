/** What it cost, in money and time. */
import { count, fineDuration } from '../../amounts.ts'
import { Budget } from '../budget.tsx'
import type { ReportInput } from './report-input.ts'

export function Cost({ input: { summary, story } }: { input: ReportInput }) {
  const { usage, costUsd, budgetUsd, recorded, durationMs } = summary
  const inCells = story.reduce((sum, item) => sum + (item.kind === 'cell' ? (item.cell.durationMs ?? 0) : 0), 0)
  return (
    <section id="cost">
      <h2>Cost and time</h2>
      <dl class="facts">
        <div>
          <dt>Cost</dt>
          <dd>
            <Budget costUsd={costUsd} budgetUsd={budgetUsd} recorded={recorded.length > 0} />
            {budgetUsd === null && recorded.length === 0 && <span class="quiet"> (no budget was set)</span>}
          </dd>
        </div>
        <div>
          <dt>Tokens</dt>
          <dd>
            {count(usage.inputTokens)} in, {count(usage.outputTokens)} out, {count(usage.cacheReadTokens)} read from the
            cache, {count(usage.cacheWriteTokens)} written to it
          </dd>
        </div>
        <div>
          <dt>Time</dt>
          <dd>
            {fineDuration(durationMs)} in all, {fineDuration(inCells)} of it in cells
          </dd>
        </div>
      </dl>
    </section>
  )
}
