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
  /** What it is to do, where it is the run's own agent. */
  readonly task?: string | undefined
  /** Who the log says it was, by what the client calls itself. */
  readonly authorOf: (client: string | undefined) => By
  /** What it is to be told besides, with what its call gave; it is told once. */
  readonly asides?: () => readonly string[]
}

export interface ClientInfo {
  readonly name: string
  readonly version: string
}

/** A client that has come in. One that speaks the protocol of 2026 comes in anew with each request, and is not missed. */
export interface Visit {
  readonly view: View
  /** It has left. Called once. */
  readonly leave: () => void
}
