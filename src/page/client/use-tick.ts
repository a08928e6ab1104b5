/** Draws anew when something says so, or as time goes by. */
import { useEffect, useState } from 'preact/hooks'

export function useSubscription(subscribe: (listener: () => void) => () => void, key: unknown): void {
  const [, draw] = useState(0)
  useEffect(() => subscribe(() => draw((n) => n + 1)), [key])
}

/** The time, once a second while it is wanted. */
export function useSeconds(wanted: boolean): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (!wanted) return undefined
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [wanted])
  return now
}
