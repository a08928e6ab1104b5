/**
 * What a person can do to a run while it goes on, wherever they are: at its terminal, on its page, at another command. What is
 * done is an event, before it takes effect.
 */
import { SeerError } from '../errors.ts'
import { checkMessage, type SteerFrom } from './control-protocol.ts'
import type { Emit, EventOf } from './events.ts'

/** An agent as the run knows it. */
export interface Steerable {
  readonly role: string
  /** It plays a recording: nothing can be said to it. */
  isRecorded(): boolean
  interrupt(): void
  send(text: string): void
  /** Says something that is not a researcher's. */
  tell(text: string): void
}

export interface Steering {
  /** From now on the agent works. Returns how to say that it has ended. */
  add(agent: Steerable): () => void
  /** Interrupts all agents that work; false where none does. */
  interrupt(from: SteerFrom): boolean
  /** Says something to the agent with this role; without one, to the only one that works. Throws where that cannot be. */
  message(text: string, from: SteerFrom, role?: string): void
  /** Says something of Seer's own to all agents that work, but for those that play a recording. */
  tell(text: string): void
  /** Aborts the run's signal. Throws `run-ended` when it is ending anyway. */
  stop(from: SteerFrom): void
  /** Whether somebody has interrupted or stopped something: such a run has not completed. */
  readonly interrupted: boolean
  /** The run is ending. */
  close(): void
}

/** As the log and the terminal say it. */
export const STEER_PLACES = { page: 'from the page', command: 'by a command', terminal: 'at the terminal' } as const

export function openSteering(emit: Emit, abort: (reason: DOMException) => void): Steering {
  const agents = new Set<Steerable>()
  const told = new WeakSet<Steerable>()
  let interrupted = false
  let stopped = false
  let closed = false

  /** Also when the log cannot be written: whoever stops a run must be able to. */
  const steer = (action: EventOf<'run-steer'>['action'], from: SteerFrom, act: () => void) => {
    try {
      emit({ type: 'run-steer', by: 'researcher', action, from })
    } finally {
      act()
    }
  }
  return {
    add(agent) {
      agents.add(agent)
      return () => void agents.delete(agent)
    },
    interrupt(from) {
      // A key that is held down, or two people: what is being interrupted is not interrupted again.
      const working = [...agents].filter((agent) => !told.has(agent))
      if (working.length === 0) return agents.size > 0
      interrupted = true
      steer('interrupt', from, () => {
        for (const agent of working) {
          told.add(agent)
          agent.interrupt()
        }
      })
      return true
    },
    message(text, from, role) {
      checkMessage(text)
      const agent = addressee(agents, role)
      if (agent.isRecorded()) throw recorded(agent)
      if (told.has(agent) || stopped) throw ending(agent)
      agent.send(text.toWellFormed())
      emit({ type: 'run-steer', by: 'researcher', action: 'message', from, agent: agent.role })
    },
    tell(text) {
      for (const agent of agents) if (!agent.isRecorded() && !told.has(agent)) agent.tell(text)
    },
    stop(from) {
      if (stopped) return
      if (closed) throw new SeerError('run-ended', { message: 'The run is ending by itself.' })
      stopped = true
      interrupted = true
      steer('stop', from, () => abort(new DOMException(`The run was stopped ${STEER_PLACES[from]}.`, 'AbortError')))
    },
    get interrupted() {
      return interrupted
    },
    close() {
      closed = true
    },
  }
}

function addressee(agents: ReadonlySet<Steerable>, role: string | undefined): Steerable {
  const roles = [...new Set([...agents].map((agent) => agent.role))].join(', ')
  const meant = [...agents].filter((agent) => role === undefined || agent.role === role)
  if (meant.length === 1) return meant[0]!
  if (agents.size === 0) {
    throw new SeerError('agent-none', {
      message: 'No agent is working now.',
      hint: 'A message is told to an agent while it works.',
    })
  }
  if (meant.length === 0)
    throw new SeerError('agent-unknown', {
      message: `No agent "${role}" is working now.`,
      hint: `There is: ${roles}.`,
    })
  throw new SeerError('agent-several', {
    message: role === undefined ? 'Several agents work now.' : `Several agents "${role}" work now.`,
    hint: role === undefined ? `Say which: ${roles}.` : 'Give each a role of its own in the experiment.',
  })
}

function recorded({ role }: Steerable): SeerError {
  return new SeerError('agent-recorded', {
    message: `The agent "${role}" plays a recording: nothing can be said to it.`,
    hint: 'It can be interrupted. With --provider claude an agent answers now.',
  })
}

function ending({ role }: Steerable): SeerError {
  return new SeerError('agent-ended', {
    message: `The agent "${role}" is being stopped: it will not be told any more.`,
  })
}
