/** Served functions in the story: what is offered, what its file prints, and each call on a line. */
import { duration, plural } from '../../amounts.ts'
import type { EventOf } from '../../run/events.ts'
import { behind, inline, linesOf } from './look.ts'
import { inBlock, type StoryState } from './state.ts'

const MAX_OPEN = 1000
const MAX_FUNCTIONS = 20

export function startInterface(state: StoryState, event: EventOf<'interface-start'>): string[] {
  const { colors } = state.look
  const { functions } = event
  const shown = functions.slice(0, MAX_FUNCTIONS)
  return inBlock(state, `interface ${event.seq}`, [
    `${colors.bold(inline(event.interface, 60))} ${colors.dim(`· ${plural(functions.length, 'function')} of ${inline(event.file, 60)}`)}`,
    ...behind(state.look, `${colors.dim('·')} `, shown.flatMap(linesOf), { fold: 'words', maxRows: 3 }),
    ...(functions.length > shown.length ? [colors.dim(`· … ${functions.length - shown.length} more`)] : []),
  ])
}

export function interfacePrinted(state: StoryState, event: EventOf<'interface-output'>): string[] {
  const { dim } = state.look.colors
  const heading = [dim(`${inline(event.interface, 40)} printed`)]
  const lines = linesOf(event.text.replace(/\n$/, ''))
  const rows = behind(state.look, `${dim(event.stream === 'stderr' ? '┊' : '│')} `, lines.slice(0, 20), {
    fold: 'anywhere',
    maxRows: 3,
    paint: dim,
  })
  return inBlock(state, `printed ${event.interface}`, rows, heading)
}

export function endInterface(state: StoryState, event: EventOf<'interface-end'>): string[] {
  const text = `${inline(event.interface, 40)} is served no longer: ${inline(event.reason, 200)}`
  return inBlock(state, 'notes', [`${state.look.colors.dim('·')} ${text}`])
}

export function startFunctionCall(state: StoryState, event: EventOf<'call-start'>): void {
  if (state.functionCalls.size < MAX_OPEN)
    state.functionCalls.set(event.call, { from: event.from, args: event.args.text })
}

/** A call as a tool is told as such: its own line would say it twice. */
export function endFunctionCall(state: StoryState, event: EventOf<'call-end'>): string[] {
  const { look } = state
  const { colors } = look
  const call = state.functionCalls.get(event.call)
  state.functionCalls.delete(event.call)
  if (call?.from === 'tool') return []
  const name = `${inline(event.interface, 40)}.${inline(event.function, 40)}`
  const asked = inline(call?.args ?? '…', Math.floor(look.width / 3))
  const took = colors.dim(` · ${event.call}, ${duration(event.durationMs)}`)
  if (event.status === 'ok') {
    const room = Math.max(20, look.width - name.length - asked.length - 28)
    return inBlock(state, 'notes', [
      `${colors.dim('·')} ${name}(${asked}) → ${inline(event.result?.text ?? '', room)}${took}`,
    ])
  }
  const why = event.error ? `${event.error.kind}: ${event.error.message}` : event.status
  return inBlock(state, 'notes', [
    ...behind(look, `${colors.yellow('!')} `, [`${name}(${asked}) → ${inline(why, 300)}`], {
      fold: 'words',
      paint: colors.yellow,
    }),
  ])
}

/** Calls that nobody heard the end of, once the run is over. */
export function leaveFunctionCalls(state: StoryState): string[] {
  const { yellow } = state.look.colors
  const left = [...state.functionCalls].filter(([, { from }]) => from !== 'tool')
  state.functionCalls.clear()
  return left.flatMap(([call, { args }]) =>
    inBlock(state, 'notes', [yellow(`! ${call}(${inline(args, 60)}) has no end in the log`)]),
  )
}
