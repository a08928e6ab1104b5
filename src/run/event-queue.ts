import type { RunEvent } from './events.ts'

/** One reader's place in a run's events: an async iterable that keeps what it has not yet given out. */
export class EventQueue implements AsyncIterableIterator<RunEvent> {
  readonly #waiting: RunEvent[] = []
  readonly #onClose: () => void
  #wake: (() => void)[] = []
  #whenCaughtUp: (() => void)[] = []
  #closed = false

  constructor(onClose: () => void) {
    this.#onClose = onClose
  }

  push(event: RunEvent): void {
    this.#waiting.push(event)
    this.#wakeAll()
  }

  /** What has not been read yet is still given out; after it the loop ends. */
  close(): void {
    this.#closed = true
    this.#wakeAll()
    if (this.#waiting.length === 0) this.#tellCaughtUp()
    this.#onClose()
  }

  /** Resolves once the reader has asked for more than there is, so has dealt with all that it was given. */
  caughtUp(): Promise<void> {
    const isWaiting = this.#wake.length > 0 && this.#waiting.length === 0
    if (isWaiting || this.#closed) return Promise.resolve()
    return new Promise((resolve) => this.#whenCaughtUp.push(resolve))
  }

  #tellCaughtUp(): void {
    for (const tell of this.#whenCaughtUp.splice(0)) tell()
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  async next(): Promise<IteratorResult<RunEvent>> {
    for (;;) {
      const event = this.#waiting.shift()
      if (event) return { value: event, done: false }
      this.#tellCaughtUp()
      if (this.#closed) return { value: undefined, done: true }
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  return(): Promise<IteratorResult<RunEvent>> {
    this.#waiting.length = 0
    this.close()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
