/**
 * Which run an event belongs to, without handing a run through every call of a researcher's script.
 *
 * An explicit `run` wins; else the run that `seer run` or `experiment()` opened around this code; else, in a plain script, one
 * that the first `Sandbox.start` or `create…Session` opens and the last `terminate()` (or the end of the process) closes.
 * Only the public factories look here. Everything below them is given `emit` and `signal`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { describeError, firstError, SeerError } from '../errors.ts'
import type { Run, RunStatus } from './run.ts'

const ambient = new AsyncLocalStorage<Run>()

interface ScriptRun {
  readonly run: Run
  users: number
  error: unknown
  interrupted: boolean
  /** Runs while nobody uses the run. */
  idle: NodeJS.Timeout | undefined
  detach: () => void
}
let script: ScriptRun | undefined

/**
 * `await using` lets go of a sandbox before the error that ends a script is thrown on. So the run of a script is not ended at
 * once with the last release, but when the script goes on with a new one, when the process ends, or after this while.
 */
const IDLE_MS = 1000

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
  /** The last release in a plain script lets its run end: as failed, if any user of it failed, or if the script does. Idempotent. */
  release(error?: unknown): Promise<void>
}

/** For a public factory: the run to write to, and the promise to say when it is no longer needed. */
export function useRun(explicit: Run | undefined, open: () => Run): RunUse {
  const given = explicit ?? ambient.getStore()
  if (given && given !== script?.run) return { run: given, release: () => Promise.resolve() }
  if (!given && script?.users === 0) void endScriptRun(script)
  const mine = (script ??= openScriptRun(open))
  clearTimeout(mine.idle)
  mine.users += 1
  let released: Promise<void> | undefined
  return { run: mine.run, release: (error) => (released ??= release(mine, error)) }
}

async function release(mine: ScriptRun, error: unknown): Promise<void> {
  mine.users -= 1
  mine.error ??= error
  if (script !== mine || mine.users > 0) return
  if (mine.error !== undefined) return endScriptRun(mine)
  mine.idle = setTimeout(() => void endScriptRun(mine), IDLE_MS).unref()
  await mine.run.sync()
}

function openScriptRun(open: () => Run): ScriptRun {
  const mine: ScriptRun = { run: open(), users: 0, error: undefined, interrupted: false, idle: undefined, detach }
  const endNow = (status: RunStatus, error: unknown) => orSay(() => mine.run.endNow(status, errorIn(status, error)))
  const onExit = (code: number) => endNow(statusOf(mine, code), mine.error)
  // A script that forgot to terminate, and has nothing more to do.
  const onIdle = () => void endScriptRun(mine)
  const onError = (error: unknown) => {
    // Where a script handles it, the script goes on.
    if (process.listenerCount('uncaughtException') === 0) endNow(statusOf({ ...mine, error }, 1), error)
  }
  const onSignal = (signal: NodeJS.Signals) => {
    mine.interrupted = true
    // Where a script handles it, the script decides how to end.
    if (process.listenerCount(signal) > 1) return
    endNow('interrupted', undefined)
    detach()
    process.kill(process.pid, signal)
  }
  // The script is told by its agents and sandboxes, which end; it goes on from there as it likes.
  const onStop = () => void process.stderr.write(`seer: ${describeError(mine.run.signal.reason)}\n`)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  function detach(): void {
    clearTimeout(mine.idle)
    mine.run.signal.removeEventListener('abort', onStop)
    process.off('exit', onExit)
    process.off('beforeExit', onIdle)
    process.off('uncaughtExceptionMonitor', onError)
    for (const signal of signals) process.off(signal, onSignal)
  }
  mine.run.signal.addEventListener('abort', onStop, { once: true })
  process.on('exit', onExit)
  process.on('beforeExit', onIdle)
  process.on('uncaughtExceptionMonitor', onError)
  for (const signal of signals) process.on(signal, onSignal)
  return mine
}

async function endScriptRun(mine: ScriptRun): Promise<void> {
  if (script === mine) script = undefined
  // Until the end is written, the process may still exit and must then write it at once.
  const status = statusOf(mine, Number(process.exitCode ?? 0))
  await mine.run.end(status, errorIn(status, mine.error)).catch(say)
  mine.detach()
}

function statusOf({ run, error, interrupted }: ScriptRun, exitCode: number): RunStatus {
  if (interrupted) return 'interrupted'
  // Whatever goes wrong after somebody stopped something is its consequence, but for what would have ended the run by itself.
  const first = firstError(error)
  if (run.steering.interrupted && !(first instanceof SeerError && first.endsRun)) return 'interrupted'
  return error === undefined && exitCode === 0 ? 'completed' : 'failed'
}

function errorIn(status: RunStatus, error: unknown): unknown {
  return status === 'failed' ? error : undefined
}

function orSay(step: () => void): void {
  try {
    step()
  } catch (error) {
    say(error)
  }
}

/** Nobody is left to throw it to. */
function say(error: unknown): void {
  process.stderr.write(`seer: ${describeError(error)}\n`)
  process.exitCode ||= 1
}
