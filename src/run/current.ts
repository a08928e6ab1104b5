/**
 * Which run an event belongs to, without handing a run through every call of a researcher's script.
 *
 * An explicit `run` wins; else the run that `seer run` or `experiment()` opened around this code; else, in a plain script, one
 * that the first `Sandbox.start` or `create…Session` opens and the last `terminate()` (or the end of the process) closes.
 * Only the public factories look here. Everything below them is given `emit` and `signal`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Run } from './run.ts'

const ambient = new AsyncLocalStorage<Run>()
let script: { run: Run; users: number; error?: unknown; detach: () => void } | undefined

/** Runs `body` with `run` as the current one, also in everything that it starts. */
export function withRun<T>(run: Run, body: () => T): T {
  return ambient.run(run, body)
}

/** The run of this code, or undefined in a plain script that has not started anything. */
export function currentRun(): Run | undefined {
  return ambient.getStore() ?? script?.run
}

export interface RunUse {
  readonly run: Run
  /** The last release in a plain script ends its run: as failed, if any user of it failed. Idempotent. */
  release(error?: unknown): Promise<void>
}

/** For a public factory: the run to write to, and the promise to say when it is no longer needed. */
export function useRun(explicit: Run | undefined, open: () => Run): RunUse {
  const given = explicit ?? ambient.getStore()
  if (given) return { run: given, release: () => Promise.resolve() }
  script ??= openScriptRun(open)
  script.users += 1
  const { run } = script
  let released: Promise<void> | undefined
  return { run, release: (error) => (released ??= releaseScriptRun(run, error)) }
}

function openScriptRun(open: () => Run): NonNullable<typeof script> {
  const run = open()
  const onExit = (code: number) => run.endNow(code === 0 ? 'completed' : 'failed')
  const onError = (error: unknown) => run.endNow('failed', error)
  const onSignal = (signal: NodeJS.Signals) => {
    run.endNow('interrupted')
    detach()
    process.kill(process.pid, signal)
  }
  const detach = () => {
    process.off('exit', onExit)
    process.off('uncaughtExceptionMonitor', onError)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal)
  }
  process.on('exit', onExit)
  process.on('uncaughtExceptionMonitor', onError)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return { run, users: 0, detach }
}

async function releaseScriptRun(run: Run, error: unknown): Promise<void> {
  if (script?.run !== run) return
  script.users -= 1
  script.error ??= error
  if (script.users > 0) return
  const { detach, error: first } = script
  script = undefined
  detach()
  await run.end(first === undefined ? 'completed' : 'failed', first)
}
