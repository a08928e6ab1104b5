/** The run around the agents: its sandbox, models and kernels, what was kept, warnings, its end. */
import { STEER_PLACES } from '../../run/control-steering.ts'
import type { EventOf } from '../../run/events.ts'
import { duration, plural, size } from '../../amounts.ts'
import { artifactPath } from './display-text.ts'
import { computeText } from './drift-table.ts'
import { behind, inline, linesOf } from './look.ts'
import { inBlock, type StoryState } from './state.ts'

export const NOT_CONFINED = 'not confined: its code runs with your rights'

export function note(state: StoryState, text: string): string[] {
  return inBlock(state, 'notes', [`${state.look.colors.dim('·')} ${text}`])
}

/** Also the text of Seer's own warnings may quote what others wrote. */
export function warning(state: StoryState, text: string): string[] {
  const { look } = state
  return inBlock(
    state,
    'notes',
    behind(look, `${look.colors.yellow('!')} `, linesOf(text), { fold: 'words', paint: look.colors.yellow }),
  )
}

export function startRun(state: StoryState, event: EventOf<'run-start'>): string[] {
  const { colors } = state.look
  const profile = event.profile === null ? '' : ` · ${inline(event.profile, 40)}`
  const provider = colors.dim(` · ${inline(event.provider, 20)}`)
  return inBlock(state, 'run', [
    `${colors.bold(inline(event.experiment, 60))}${profile}${provider} ${colors.dim(`· ${inline(event.run, 80)}`)}`,
  ])
}

export function steered(state: StoryState, event: EventOf<'run-steer'>): string[] {
  // Whoever pressed a key at this terminal was answered at once.
  if (state.live && event.from === 'terminal') return []
  const what = {
    interrupt: 'interrupted the agent',
    message: `wrote to ${inline(event.agent ?? 'the agent', 30)}`,
    stop: 'stopped the run',
  }[event.action]
  return note(state, `the researcher ${what} (${STEER_PLACES[event.from]})`)
}

export function startSandbox(state: StoryState, event: EventOf<'sandbox-start'>): string[] {
  const wall = event.confinement === 'none' ? state.look.colors.yellow(NOT_CONFINED) : inline(event.confinement, 60)
  const again = event.attached ? ', which another process had started' : ''
  return note(state, `sandbox ${inline(event.sandbox ?? '', 20)} on ${inline(event.backend, 20)}, ${wall}${again}`)
}

/** Most end with their run, or fail with an error that is told. */
export function endSandbox(state: StoryState, event: EventOf<'sandbox-end'>): string[] {
  const about = `sandbox ${inline(event.sandbox ?? '', 20)}`
  if (event.reason.startsWith('detached: ')) return note(state, `${about} ${inline(event.reason, 100)}`)
  return event.reason.startsWith('its timeout ') ? warning(state, `${about} has ended: ${event.reason}`) : []
}

export function startSession(state: StoryState, event: EventOf<'session-start'>): string[] {
  const models = event.models.flatMap((model) =>
    note(
      state,
      `model ${inline(model.name, 60)} as ${inline(model.varName, 30)} · ${inline(model.quantisation, 50)} · weights ${inline(model.weightsSha256.slice(0, 12), 12)}`,
    ),
  )
  const libraries = event.libraries.map(({ name }) => inline(name, 40)).join(', ')
  const skills = (event.skills ?? []).map(({ name }) => inline(name, 40)).join(', ')
  const begun = event.attached
    ? note(state, `session ${inline(event.session ?? '', 20)} goes on from the run ${inline(event.attached.run, 80)}`)
    : []
  // The rest stands in the header.
  if (state.framed) return begun
  return [
    ...begun,
    ...models,
    ...(libraries === '' ? [] : note(state, `libraries ${libraries}`)),
    ...(skills === '' ? [] : note(state, `skills ${skills}`)),
  ]
}

export function leftSession(state: StoryState, event: EventOf<'session-detach'>): string[] {
  return note(state, `session ${inline(event.session ?? '', 20)} lives on in its sandbox, with its variables`)
}

export function startKernel(state: StoryState, event: EventOf<'kernel-start'>): string[] {
  const generation = event.kernel?.generation ?? 1
  return generation > 1 ? note(state, `kernel ${generation} started, with no variables of the one before`) : []
}

export function deadKernel(state: StoryState, event: EventOf<'kernel-dead'>): string[] {
  if (event.reason === 'asked') return []
  const how = event.signal ?? (event.exitCode === null ? 'no exit code' : `exit code ${event.exitCode}`)
  const why = event.because === undefined ? '' : `; ${event.because}`
  return warning(state, `the kernel died (${how}${why}): all its variables are lost`)
}

export function reportCompute(state: StoryState, event: EventOf<'compute-report'>): string[] {
  return note(state, `computes with ${computeText(event)}`)
}

export function lostOutput(state: StoryState, event: EventOf<'output-lost'>): string[] {
  const why = {
    gap: 'a gap in what came from the kernel',
    cap: 'over the limit for one cell',
    invalid: 'not valid output',
  }[event.reason]
  return warning(
    state,
    `output of ${inline(event.cell ?? 'no cell', 12)} was lost (${why}): ${plural(event.messages, 'message')}, ${size(event.bytes)}`,
  )
}

/** What was allowed is in the log; what was not may be why something failed. */
export function askedForNetwork(state: StoryState, event: EventOf<'network-connect'>): string[] {
  if (event.allowed) return []
  const why = event.because === undefined ? '' : `: ${event.because}`
  return warning(state, `no connection to ${event.host}:${event.port}${why}`)
}

export function savedSnapshot(state: StoryState, event: EventOf<'snapshot-save'>): string[] {
  const what = `${plural(event.files, 'file')}, ${size(event.bytes)}`
  return note(state, `snapshot ${inline(event.name, 60)} saved (${inline(event.snapshot, 60)}, ${what})`)
}

export function keptArtifact(state: StoryState, event: EventOf<'artifact-save'>): string[] {
  return note(
    state,
    `kept ${inline(event.name, 60)} (${inline(event.mediaType, 40)}, ${size(event.bytes)}) → ${artifactPath(event.sha256)}`,
  )
}

export function endRun(state: StoryState, event: EventOf<'run-end'>): string[] {
  const { look } = state
  const paint = event.status === 'completed' ? look.colors.green : look.colors.red
  const rows = event.error ? errorRows(state, event.error) : []
  return inBlock(state, 'run end', [
    `${look.colors.bold(paint(event.status))} after ${duration(event.durationMs)}`,
    ...rows,
  ])
}

export function errorRows(
  { look }: Pick<StoryState, 'look'>,
  error: { message: string; hint?: string | undefined },
): string[] {
  const message = behind(look, `${look.colors.red('│')} `, linesOf(error.message), { fold: 'words' })
  return error.hint === undefined
    ? message
    : [...message, ...behind(look, `${look.colors.red('│')} → `, linesOf(error.hint), { fold: 'words' })]
}

export function unknownEvent(state: StoryState, type: string): string[] {
  return note(state, `${inline(type, 40)}: an event that this version of Seer does not know`)
}
