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
  /** All that a researcher said; it is then empty. */
  take(): string[]
  /** The same of what Seer itself has to say: it is worth no turn of its own. */
  takeNotices?(): string[]
  /** Resolves once whoever reads the agent's events has read them all: what it sends in answer to one is then here. */
  caughtUp(signal: AbortSignal): Promise<void>
}

export interface Mailbox {
  send(text: string): void
  tell(text: string): void
  take(): string[]
  takeNotices(): string[]
  /** From now on nothing can be sent. Returns what nobody was told. */
  close(): string[]
}

export function openMailbox(role: string): Mailbox {
  let waiting: string[] = []
  let notices: string[] = []
  let closed = false
  const take = () => {
    const taken = waiting
    waiting = []
    return taken
  }
  return {
    take,
    takeNotices() {
      const taken = notices
      notices = []
      return taken
    },
    tell: (text) => void notices.push(text),
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
