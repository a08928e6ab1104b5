/** Has Ctrl-C, and what else asks a process to end, abort a piece of work instead. */
export async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  // A second one ends the process.
  for (const name of signals) process.once(name, onSignal)
  try {
    await work(stop.signal)
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    for (const name of signals) process.off(name, onSignal)
  }
}
