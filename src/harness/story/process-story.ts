/** What ran in a sandbox beside its kernels: one line at its end, and the end of what it printed where it failed. */
import { duration } from '../../amounts.ts'
import { commandText, failureText } from '../../run/command-text.ts'
import type { EventOf } from '../../run/events.ts'
import { behind, inline, linesOf } from './look.ts'
import { inBlock, type StoryState } from './state.ts'

const SAID_LINES = 8
const MAX_ROWS = 3
const MAX_OPEN = 1000

export function startProcess(state: StoryState, event: EventOf<'process-start'>): void {
  if (state.processes.size < MAX_OPEN) state.processes.set(event.process, commandText(event))
}

export function endProcess(state: StoryState, event: EventOf<'process-end'>): string[] {
  const { look } = state
  const { colors } = look
  const command = state.processes.get(event.process) ?? `process ${event.process}`
  state.processes.delete(event.process)
  const failure = failureText(event)
  const name = inline(command, Math.max(30, look.width - 40))
  const took = colors.dim(` · ${duration(event.durationMs)}`)
  if (failure === null) return inBlock(state, 'notes', [`${colors.dim('·')} ${name} → ok${took}`])
  // An error is mostly the last thing.
  const [text, mark] = event.stderr.trim() === '' ? [event.stdout, '│'] : [event.stderr, '┊']
  const said = text.trim() === '' ? [] : linesOf(text.trim()).slice(-SAID_LINES)
  return inBlock(state, 'notes', [
    ...behind(look, `${colors.yellow('!')} `, [`${name} → ${inline(failure, 300)}`], {
      fold: 'words',
      paint: colors.yellow,
    }),
    ...behind(look, `  ${colors.yellow(mark)} `, said, { fold: 'anywhere', maxRows: MAX_ROWS }),
  ])
}
