/** What the server of the page sends. */
import type { AnyEvent } from '../run/fold.ts'
import type { Summary, SummaryStatus } from '../run/fold-summary.ts'

/** A run in the list of runs. */
export interface RunLine {
  readonly id: string
  readonly experiment: string | null
  readonly status: SummaryStatus | 'broken'
  /** Its writer lives. */
  readonly live: boolean
  readonly startedAt: string | null
  readonly durationMs: number
  readonly costUsd: number | null
  readonly budgetUsd: number | null
  readonly recorded: boolean
  readonly confinement: string | null
  readonly findings: number
  readonly cells: Summary['cells']
  readonly question: string | null
}

export interface RunsAnswer {
  readonly runs: readonly RunLine[]
  readonly outputDir: string
}

/** What the reader of the log complains of. */
export interface Problem {
  readonly kind: string
  /** The byte of the log. */
  readonly at: number
  readonly why: string
}

export interface Batch {
  readonly events: readonly AnyEvent[]
  readonly problems: readonly Problem[]
}

export interface StreamState {
  readonly live: boolean
  /** The end of the log, as it is now, was reached. */
  readonly caughtUp: boolean
  /** The writer takes what the page sends. */
  readonly canSteer: boolean
}

export interface WireError {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
}
