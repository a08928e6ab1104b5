/** The calls that are being answered: when nobody is to be answered any more, each ends with a word. */
import { setTimeout as sleep } from 'node:timers/promises'

/** A cell that is interrupted is waited for that long, and a little. */
const FAREWELL_MS = 3000
/** From the end of a call until its answer is on its way. */
const OUT_MS = 50

export interface Calls {
  /** Aborted when they are to end. */
  readonly signal: AbortSignal
  readonly run: <T>(work: () => Promise<T>) => Promise<T>
  /** Resolves when all have been answered, or have been waited for long enough. */
  readonly end: () => Promise<void>
}

export function openCalls(): Calls {
  const ending = new AbortController()
  const open = new Set<Promise<unknown>>()
  return {
    signal: ending.signal,
    async run(work) {
      const call = work()
      open.add(call)
      try {
        return await call
      } finally {
        open.delete(call)
      }
    },
    async end() {
      ending.abort(new DOMException('The session has ended.', 'AbortError'))
      if (open.size === 0) return
      await Promise.race([Promise.allSettled(open), sleep(FAREWELL_MS, undefined, { ref: false })])
      await sleep(OUT_MS, undefined, { ref: false })
    },
  }
}
