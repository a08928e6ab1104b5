import type { SummaryStatus } from '../run/fold-summary.ts'
import { readLock } from '../run/lock.ts'

export type ShownStatus = SummaryStatus | 'broken'

/** A run whose log has no end: it goes on while the holder of its lock lives; without one it crashed. */
export function runStatus(folder: string, status: SummaryStatus): SummaryStatus {
  if (status !== 'running') return status
  return readLock(folder)?.alive === true ? 'running' : 'crashed'
}
