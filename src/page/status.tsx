/** How something stands, as a word with a sign and a colour: never by colour alone. */
import type { CellStatus } from '../run/fold-cells.ts'
import type { SummaryStatus } from '../run/fold-summary.ts'

type Tone = 'ok' | 'error' | 'warn' | 'busy' | 'quiet'

const CELL: Record<CellStatus, [Tone, string, string]> = {
  running: ['busy', '', 'running'],
  ok: ['ok', '✓', 'ok'],
  error: ['error', '✕', 'error'],
  aborted: ['warn', '!', 'not run'],
  died: ['error', '✕', 'kernel died'],
  stopped: ['warn', '■', 'stopped'],
  unknown: ['warn', '?', 'end unknown'],
  detached: ['quiet', '→', 'went on'],
}

const RUN: Record<ShownStatus, [Tone, string, string]> = {
  loading: ['quiet', '', 'reading'],
  running: ['busy', '', 'running'],
  completed: ['ok', '✓', 'completed'],
  failed: ['error', '✕', 'failed'],
  interrupted: ['warn', '■', 'interrupted'],
  crashed: ['error', '✕', 'crashed'],
  broken: ['error', '✕', 'damaged log'],
}

/** `crashed` also stands for a run whose writer is gone without an end. */
export type ShownStatus = SummaryStatus | 'loading' | 'broken'

export function CellBadge({ status, interrupted = false }: { status: CellStatus; interrupted?: boolean }) {
  const [tone, sign, word] = interrupted && status === 'error' ? (['warn', '■', 'interrupted'] as const) : CELL[status]
  return <Badge tone={tone} sign={sign} word={word} />
}

export function RunBadge({ status }: { status: string }) {
  const [tone, sign, word] = Object.hasOwn(RUN, status) ? RUN[status as ShownStatus] : (['quiet', '', status] as const)
  return <Badge tone={tone} sign={sign} word={word} />
}

export function Badge({ tone, sign, word }: { tone: Tone; sign: string; word: string }) {
  return (
    <span class={`badge tone-${tone}`}>
      <span class="badge-sign" aria-hidden="true">
        {sign}
      </span>
      {word}
    </span>
  )
}

/** What the page says of a run: whether it is written to is known from its lock, and not from its log. */
export function shownStatus(status: SummaryStatus, live: boolean, caughtUp: boolean): ShownStatus {
  if (status !== 'running') return status
  if (live) return 'running'
  return caughtUp ? 'crashed' : 'loading'
}
