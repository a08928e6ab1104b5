/** Why a run failed, or that it never closed: before its story, since the end of that may be far. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { Summary } from '../run/fold-summary.ts'
import { Notice } from './notice.tsx'
import type { ShownStatus } from './status.tsx'

export function HowItEnded({ summary, status }: { summary: Summary; status: ShownStatus }) {
  const { error } = summary
  if (error) {
    return (
      <Notice level="error" title={error.code} text={error.message}>
        {error.hint !== undefined && <p class="notice-hint">{neutralise(error.hint)}</p>}
      </Notice>
    )
  }
  if (status !== 'crashed' || summary.status !== 'running') return null
  return (
    <Notice
      level="error"
      title="This run was never closed."
      text="Seer’s process ended before it could. What its sandbox still holds is saved into this log by: seer gc"
    />
  )
}
