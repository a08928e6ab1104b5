/** What was spent of what may be spent. */
import { usd } from '../amounts.ts'

export interface BudgetProps {
  readonly costUsd: number | null
  readonly budgetUsd: number | null
  /** A played recording costs nothing. */
  readonly recorded?: boolean
}

export function Budget({ costUsd, budgetUsd, recorded = false }: BudgetProps) {
  if (recorded && (costUsd ?? 0) === 0) return <span class="quiet">none: recorded</span>
  const cost = costUsd === null ? 'unknown' : usd(costUsd)
  if (budgetUsd === null) return <span>{cost}</span>
  const share = costUsd === null ? 0 : Math.min(1, costUsd / budgetUsd)
  return (
    <span class="budget">
      <span>
        {cost} <span class="quiet">of {usd(budgetUsd)}</span>
      </span>
      <progress
        class={share > 0.8 ? 'nearly-spent' : ''}
        max={1}
        value={share}
        aria-label={`${Math.round(share * 100)}% of the budget`}
      />
    </span>
  )
}
