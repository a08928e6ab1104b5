/** A step of the set-up that cannot be finished; its message says what was needed and what to do. */
export class SetupError extends Error {}

/** Tells a person what is done and why, then how long it took, on one line of stderr; notes the time for `--timings`. */
export async function step(timings, name, text, work) {
  const startedAt = Date.now()
  process.stderr.write(`seer: ${text} … `)
  // Without this a person cannot tell a slow network from a hang.
  const dots = setInterval(() => process.stderr.write('. '), 10_000)
  try {
    const result = await work()
    timings[name] = Date.now() - startedAt
    process.stderr.write(`${(timings[name] / 1000).toFixed(1)} s\n`)
    return result
  } catch (error) {
    process.stderr.write('failed\n')
    throw error
  } finally {
    clearInterval(dots)
  }
}
