/** How a run is stopped from outside: Ctrl-C and signals end it, ESC interrupts its agents. */
import { seerCommand } from '../seer-command.ts'
import { hideStatusLines } from '../status-line.ts'
import { openLiveAgents, type LiveAgents } from '../harness/steering.ts'
import { listenToKeys } from './keyboard.ts'
import { exitCodes } from './settings.ts'

export interface Interrupts {
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal
  readonly agents: LiveAgents
  /** ESC can be pressed. */
  readonly hasKeys: boolean
  detach(): void
}

/** The first Ctrl-C ends the run cleanly, with everything saved; the second one ends the process. */
export function onInterrupt(outputDir: string): Interrupts {
  const controller = new AbortController()
  const agents = openLiveAgents()
  const say = (text: string) => {
    hideStatusLines()
    process.stderr.write(`\nseer: ${text}\n`)
  }
  const onSignal = () => {
    if (controller.signal.aborted) {
      say(`stopped; \`${seerCommand(['gc'], { outputDir })}\` saves the rest.`)
      process.exit(exitCodes.interrupted)
    }
    say('interrupted; saving. Once more to stop at once.')
    controller.abort(new DOMException('The run was interrupted.', 'AbortError'))
  }
  const onEscape = () => {
    if (controller.signal.aborted) return
    say(agents.interrupt() ? 'ESC: the agent is interrupted.' : 'ESC: no agent is working now. Ctrl-C ends the run.')
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, onSignal)
  const stopListening = listenToKeys({ onEscape, onInterrupt: onSignal })
  return {
    signal: controller.signal,
    agents,
    hasKeys: stopListening !== undefined,
    detach: () => {
      stopListening?.()
      for (const name of signals) process.off(name, onSignal)
    },
  }
}
