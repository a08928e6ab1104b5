/** One run as the page has it: events are taken in between pictures, and whoever draws it is told once for each. */
import { runFold, type RunState } from '../run-state.ts'
import type { Batch, Problem, StreamState } from '../wire.ts'
import { eventsUrl } from './api.ts'
import { openEventStream, type Connection } from './event-stream.ts'
import { nextFrame } from './frames.ts'

/** Of a frame: the rest is for drawing. Before the first picture there is nothing to keep smooth. */
const FOLD_MS = 10
/** Of a damaged log more than anybody would read. */
const MAX_PROBLEMS = 100

export class RunStore {
  readonly id: string
  state: RunState = runFold.initial()
  stream: StreamState = { live: false, caughtUp: false, canSteer: false }
  connection: Connection = { is: 'connecting' }
  problems: Problem[] = []
  problemsLeftOut = 0
  /** How far the clock of the run is behind this one. */
  skewMs = 0
  /** Events taken in: changes whenever the state does. */
  taken = 0
  readonly #waiting: { json: string; fresh: boolean }[] = []
  /** What comes now happens now: the end of the log was reached, and the connection has held since. */
  #fresh = false
  readonly #listeners = new Set<() => void>()
  #pending: (() => void) | undefined
  #close: (() => void) | undefined

  constructor(id: string) {
    this.id = id
  }

  /** All that has come so far stands in `state`. */
  get settled(): boolean {
    return this.#waiting.length === 0
  }

  open(): () => void {
    this.#close = openEventStream(eventsUrl(this.id), {
      onBatch: (json) => {
        this.#waiting.push({ json, fresh: this.#fresh })
        this.#schedule()
      },
      onState: (stream) => {
        this.stream = stream
        this.#fresh = stream.live && stream.caughtUp
        this.#schedule()
      },
      onConnection: (connection) => {
        this.connection = connection
        if (connection.is !== 'open') this.#fresh = false
        this.#schedule()
      },
    })
    return () => {
      this.#close?.()
      this.#pending?.()
    }
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #schedule(): void {
    this.#pending ??= nextFrame(() => {
      this.#pending = undefined
      this.#takeSome()
      if (this.#waiting.length > 0) this.#schedule()
      for (const listener of this.#listeners) listener()
    })
  }

  #takeSome(): void {
    const until = performance.now() + FOLD_MS
    do {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#take(JSON.parse(next.json) as Batch, next.fresh)
    } while (performance.now() < until)
  }

  #take({ events, problems }: Batch, fresh: boolean): void {
    for (const event of events) this.state = runFold.step(this.state, event)
    this.taken += events.length + problems.length
    for (const problem of problems) {
      // A log has one end: whoever comes back is told of it again.
      if (problem.kind === 'torn') this.problems = this.problems.filter(({ kind }) => kind !== 'torn')
      if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem)
      else this.problemsLeftOut += 1
    }
    const last = events.at(-1)
    if (last && fresh) this.skewMs = Date.now() - Date.parse(last.at)
  }
}
