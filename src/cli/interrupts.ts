/** How a run is stopped from outside: Ctrl-C and signals end it, ESC interrupts its agents. */
import { describeError } from '../errors.ts'
import type { Run } from '../run/run.ts'
import { seerCommand } from '../seer-command.ts'
import { hideStatusLines } from '../status-line.ts'
import { listenToKeys } from './keyboard.ts'
import { exitCodes } from './settings.ts'

export interface Interrupts {
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal
  /** ESC can be pressed. */
  readonly hasKeys: boolean
  /** From now on it is this run that is stopped, and its log says so. It may also be stopped from elsewhere. */
  attach(run: Pick<Run, 'signal' | 'steering'>): void
  detach(): void
}

/** The first Ctrl-C ends the run cleanly, with everything saved; the second one ends the process. */
export function onInterrupt(outputDir: string): Interrupts {
  const controller = new AbortController()
  let ending = false
  let run: Parameters<Interrupts['attach']>[0] | undefined
  const say = (text: string) => {
    hideStatusLines()
    process.stderr.write(`\nseer: ${text}\n`)
  }
  const end = (by: 'key' | 'signal') => {
    if (ending) {
      say(`stopped; \`${seerCommand(['gc'], { outputDir })}\` saves the rest.`)
      process.exit(exitCodes.interrupted)
    }
    ending = true
    say('interrupted; saving. Once more to stop at once.')
    // First into the log. But whatever that says, the run is ended.
    if (by === 'key') attempt(() => run?.steering.stop('terminal'))
    controller.abort(new DOMException('The run was interrupted.', 'AbortError'))
  }
  // A signal other than that of Ctrl-C is nobody's decision that we know of.
  const onSignal = (name: NodeJS.Signals) => end(name === 'SIGINT' ? 'key' : 'signal')
  const onEscape = () => {
    if (ending) return
    const isWorking = attempt(() => run?.steering.interrupt('terminal'))
    say(isWorking ? 'ESC: the agent is interrupted.' : 'ESC: no agent is working now. Ctrl-C ends the run.')
  }
  const onStopped = () => {
    if (ending) return
    ending = true
    say(`${describeError(run?.signal.reason)} Saving; Ctrl-C to stop at once.`)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, onSignal)
  const stopListening = listenToKeys({ onEscape, onInterrupt: () => end('key') })
  return {
    signal: controller.signal,
    hasKeys: stopListening !== undefined,
    attach(started) {
      run = started
      run.signal.addEventListener('abort', onStopped, { once: true })
    },
    detach: () => {
      run?.signal.removeEventListener('abort', onStopped)
      stopListening?.()
      for (const name of signals) process.off(name, onSignal)
    },
  }
}

function attempt<T>(step: () => T): T | undefined {
  try {
    return step()
  } catch {
    return undefined
  }
}
