/**
 * From a run's log to a recording. Only what is named here is taken over: words, calls, what came of them, what was printed.
 */
import { SeerError } from '../errors.ts'
import type { AnsweredBy, By, EventOf, RunEvent } from '../run/events.ts'
import { cellsFromEvents } from './cell-text.ts'
import { hidePlaces, placesOf } from './hide-places.ts'
import { TRAJECTORY_FORMAT, type MadeFor, type RecordedTurn, type Trajectory } from './trajectory.ts'

export function trajectoryFromEvents(
  events: readonly RunEvent[],
  { madeFor, answeredBy }: { madeFor: MadeFor; answeredBy: AnsweredBy },
): Trajectory {
  const start = findEvent(events, 'run-start')
  const agent = findEvent(events, 'agent-start')
  const end = findEvent(events, 'agent-end')
  const compute = findEvent(events, 'compute-report')
  const { reason, detail } = end
  if (reason === 'failed') throw incomplete(`its agent failed${detail === undefined ? '' : ` (${detail})`}`)
  const places = placesOf(events)
  const turns = turnsOf(events, agent.by)
  if (turns.length === 0) throw incomplete('its agent said nothing')
  // Its words answer something that a player of the recording would not be told.
  if (events.some((event) => event.type === 'run-steer' && event.action === 'message'))
    throw incomplete('somebody spoke to its agent while it worked')
  const trajectory: Trajectory = {
    format: TRAJECTORY_FORMAT,
    experiment: start.experiment,
    profile: start.profile,
    madeFor,
    answeredBy,
    compute: {
      python: compute.python,
      torch: compute.torch,
      isa: compute.isa,
      threads: compute.threads,
      device: compute.device,
    },
    turns: hidePlaces(turns, places),
    cells: hidePlaces(cellsFromEvents(events), places),
    end: detail === undefined ? { reason } : { reason, detail },
  }
  refuseKeys(trajectory)
  return trajectory
}

/** A turn begins with its usage, else with its words; a call belongs to the turn that is open. */
function turnsOf(events: readonly RunEvent[], by: By): RecordedTurn[] {
  const turns: RecordedTurn[] = []
  let current: RecordedTurn | undefined
  const open = (): RecordedTurn => {
    if (current) return current
    turns.push((current = { text: '', calls: [], results: [] }))
    return current
  }
  for (const event of events) {
    if (event.by !== by) continue
    if (event.type === 'agent-usage') current = undefined
    if (event.type === 'agent-message' && event.role === 'assistant') {
      if (current && (current.text !== '' || current.calls.length > 0)) current = undefined
      open().text = event.text
    }
    if (event.type === 'tool-start') open().calls.push({ id: event.call, name: event.name, input: event.input })
    if (event.type === 'tool-end')
      open().results.push({ call: event.call, isError: event.isError, structured: event.structured ?? null })
  }
  return turns
}

function findEvent<T extends RunEvent['type']>(events: readonly RunEvent[], type: T): EventOf<T> {
  const event = events.find((candidate): candidate is EventOf<T> => candidate.type === type)
  if (!event) throw incomplete(`its log has no ${type}`)
  return event
}

function incomplete(why: string): SeerError {
  return new SeerError('recording-incomplete', {
    message: `This run cannot become a recording: ${why}.`,
    hint: 'Run it again to its end.',
  })
}

const KEYS =
  /\b(sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|AIza[A-Za-z0-9_-]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16})/

/** Recordings are checked in and shared. A key that the agent's code printed must not travel with one. */
function refuseKeys(trajectory: Trajectory): void {
  const found = KEYS.exec(JSON.stringify(trajectory))?.[0]
  if (found === undefined) return
  throw new SeerError('recording-holds-key', {
    message: `This run cannot become a recording: something in it looks like an API key (${found.slice(0, 6)}…).`,
    hint: 'Find out which cell printed it, revoke the key, and record again.',
  })
}
