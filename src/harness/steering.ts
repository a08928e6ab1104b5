/** What a researcher can do to an agent while it works: say something to it, or stop it. */
import { SeerError } from '../errors.ts'

export interface LiveAgent {
  /** Stops what the model or a tool is doing. Every call still gets a result; then the agent ends as `interrupted`. */
  interrupt(): void
  /**
   * Says something to the agent. It is told before the model is asked the next time. An agent that had just finished goes on with
   * it, as long as the loop over its events has not come to their end. Throws when the agent has ended.
   */
  send(text: string): void
}

/** What was sent to an agent and has not been told to it. */
export interface Inbox {
  /** All of it; it is then empty. */
  take(): string[]
  /** Resolves once whoever reads the agent's events has read them all: what it sends in answer to one is then here. */
  caughtUp(signal: AbortSignal): Promise<void>
}

export interface Mailbox {
  send(text: string): void
  take(): string[]
  /** From now on nothing can be sent. Returns what nobody was told. */
  close(): string[]
}

export function openMailbox(role: string): Mailbox {
  let waiting: string[] = []
  let closed = false
  const take = () => {
    const taken = waiting
    waiting = []
    return taken
  }
  return {
    take,
    send(text) {
      if (text.trim() === '') throw new SeerError('invalid-options', { message: 'An empty text cannot be sent.' })
      if (closed)
        throw new SeerError('agent-ended', {
          message: `The agent "${role}" has ended, so nothing can be said to it.`,
          hint: 'Send while the loop over its events goes on.',
        })
      waiting.push(text)
    },
    close() {
      closed = true
      return take()
    },
  }
}

/** The agents that work now, for whoever can stop them from outside: a key on the terminal. */
export interface LiveAgents {
  add(agent: LiveAgent): () => void
  /** Interrupts all; false where none works. */
  interrupt(): boolean
  /** Whether an agent was interrupted this way. */
  readonly interrupted: boolean
}

export function openLiveAgents(): LiveAgents {
  const agents = new Set<LiveAgent>()
  let interrupted = false
  return {
    add(agent) {
      agents.add(agent)
      return () => void agents.delete(agent)
    },
    interrupt() {
      interrupted ||= agents.size > 0
      for (const agent of agents) agent.interrupt()
      return agents.size > 0
    },
    get interrupted() {
      return interrupted
    },
  }
}
