import { uptime } from 'node:os'

/** A sleeping machine stops timers, and a timer takes no more than 24 days: so the clock is looked at again and again. */
const LOOK_SECONDS = 10
const NEAR_SHARE = 0.1
const NEAR_SECONDS = 300

export interface Timeout {
  readonly timeoutSeconds: number
  /** By the clock below. */
  readonly endsAt: number
  /** Once, when little is left. */
  readonly onNear: (leftSeconds: number) => void
  readonly onOver: () => void
  /** Real time: it goes on while the machine sleeps, and nobody sets it. */
  readonly nowSeconds?: () => number
}

/** Tells ahead that a time is over, and when it is. Keeps no process alive. */
export function watchTimeout({ timeoutSeconds, endsAt, onNear, onOver, nowSeconds = uptime }: Timeout): Disposable {
  const nearSeconds = Math.min(timeoutSeconds * NEAR_SHARE, NEAR_SECONDS)
  let isNear = false
  let timer: NodeJS.Timeout
  const look = () => {
    const left = endsAt - nowSeconds()
    if (left <= 0) return onOver()
    if (!isNear && left <= nearSeconds) {
      isNear = true
      onNear(left)
    }
    const next = isNear ? left : left - nearSeconds
    timer = setTimeout(look, Math.min(next, LOOK_SECONDS) * 1000).unref()
  }
  // Not at once: whoever asks for it has to have what it returns.
  timer = setTimeout(look, 0).unref()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
