/** What one who comes in is given: the same server of a session looks different to an agent, an observer, a person. */
import type { By } from '../run/events.ts'
import type { Run } from '../run/run.ts'
import type { Tool } from '../tools/tool.ts'
import type { Readable } from './resources.ts'

export interface View {
  readonly run: Run
  readonly tools: readonly Tool[]
  /** The session whose cells a waiting call tells of. */
  readonly session?: string | undefined
  readonly readable?: Readable | undefined
  /** What a client may tell its model before it begins. */
  readonly instructions?: string | undefined
  /** Who the log says it was, by what the client calls itself. */
  readonly authorOf: (client: string | undefined) => By
}

/** A client that has come in. One that speaks the protocol of 2026 comes in anew with each request, and is not missed. */
export interface Visit {
  readonly view: View
  /** It has left. Called once. */
  readonly leave: () => void
}
