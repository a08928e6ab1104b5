/** A process in a sandbox beside its kernels: read to its end, and never left without an end in the log. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '../../channel/host-connection.ts'
import { SeerError } from '../../errors.ts'
import { readOutput, ReadSoFar, type HostEnd, type OutputChunk } from './process-output.ts'

/** After it was asked to end: so long it may take until its end is told. */
const END_MS = 15_000

export interface ProcessEnd {
  /** Null where a signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** What is known of the reason: a limit, its timeout, the end of the sandbox. */
  readonly because?: string
  readonly durationMs: number
  /** The last 8 KiB of what it printed to each. */
  readonly stdout: string
  readonly stderr: string
  /** Bytes of both that are not in these two. */
  readonly omittedBytes: number
  /** Bytes that were not kept at all: they were more than `maxBytes`, or the disk was full. */
  readonly lostBytes: number
}

/** Of one whose end nobody has told. */
export const NO_END = { exitCode: null, signal: null, stdout: '', stderr: '', omittedBytes: 0 }

export interface Ending {
  readonly signal: AbortSignal
  readonly startedAt: number
  readonly tellEnd: (end: Omit<ProcessEnd, 'lostBytes'>) => void
  /** Why the sandbox cannot be asked for anything any more, once that is so. */
  readonly refusal: () => SeerError | undefined
}

export class SandboxProcess {
  readonly id: string
  /**
   * How it ended. Rejects with the reason of a signal that ended it, and where the sandbox ended or was lost meanwhile. While somebody
   * reads {@link output}, the end is known when they have read so far.
   */
  readonly ended: Promise<ProcessEnd>
  readonly #connection: Connection
  readonly #ending: Ending
  readonly #end = Promise.withResolvers<ProcessEnd>()
  #isOver = false
  #isRead = false
  /** One reads at a time; who begins takes over from whoever did before. */
  #reading = new AbortController()
  #so = new ReadSoFar()

  constructor(connection: Connection, id: string, ending: Ending) {
    this.id = id
    this.ended = this.#end.promise
    this.#connection = connection
    this.#ending = ending
    // Who waits for it hears of it; who does not need not.
    this.ended.catch(() => undefined)
    ending.signal.addEventListener('abort', this.#abort, { once: true })
    if (ending.signal.aborted) this.#abort()
    // Whoever wants its output has asked for it by then.
    setImmediate(() => {
      if (!this.#isRead) void this.#discard()
    })
  }

  /** From its beginning, however late it is asked for: what is not read yet waits on the sandbox's machine. */
  get output(): AsyncIterable<OutputChunk> {
    return { [Symbol.asyncIterator]: () => this.#read(new ReadSoFar()) }
  }

  /** Ends it, and all that it has started. Returns once it has been asked to; {@link ended} says when it has. */
  kill(): Promise<void> {
    return kill(this.#connection, this.id)
  }

  async *#read(so: ReadSoFar): AsyncGenerator<OutputChunk, void> {
    this.#isRead = true
    this.#reading.abort(takenOver())
    const mine = (this.#reading = new AbortController())
    this.#so = so
    try {
      const chunks = readOutput(this.#connection, this.id, so, mine.signal)
      this.#settle(yield* chunks)
    } catch (error) {
      if (this.#reading === mine) this.#fail(error)
      throw error
    } finally {
      // It is read on to its end, so that this is known.
      if (this.#reading === mine && !this.#isOver) void this.#discard()
    }
  }

  async #discard(): Promise<void> {
    try {
      for await (const _ of this.#read(this.#so));
    } catch {
      // Told by `ended`, or somebody else reads now.
    }
  }

  readonly #abort = () => {
    void this.kill().catch(() => undefined)
    // Whoever reads its output may never go on.
    this.#reading.abort(this.#ending.signal.reason)
    void this.#discard()
    void sleep(END_MS, undefined, { ref: false }).then(() => this.#fail(this.#ending.signal.reason))
  }

  #settle({ lost, because, ...end }: HostEnd): void {
    const { omittedBytes, ...ends } = this.#so.ends
    const why = because === undefined ? {} : { because }
    const told = { ...end, ...why, ...ends, omittedBytes: omittedBytes + lost }
    this.#over(() => {
      this.#ending.tellEnd(told)
      if (this.#ending.signal.aborted) throw this.#ending.signal.reason
      const refusal = this.#ending.refusal()
      if (because !== undefined && refusal) throw refusal
      this.#end.resolve({ ...told, lostBytes: lost })
    })
  }

  #fail(error: unknown): void {
    const durationMs = performance.now() - this.#ending.startedAt
    const because = `its end is not known: ${reasonOf(error)}`
    this.#over(() => {
      this.#ending.tellEnd({ ...NO_END, ...this.#so.ends, because, durationMs })
      throw this.#ending.signal.aborted ? this.#ending.signal.reason : error
    })
  }

  #over(tell: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ending.signal.removeEventListener('abort', this.#abort)
    try {
      tell()
    } catch (error) {
      this.#end.reject(error)
    }
  }
}

function takenOver(): SeerError {
  return new SeerError('output-taken', { message: 'Somebody else has begun to read the output of this process.' })
}

export async function kill(connection: Connection, process: string): Promise<void> {
  try {
    await connection.request('process/kill', { process })
  } catch (error) {
    // It ended long ago.
    if (!(error instanceof SeerError && error.code === 'unknown-process')) throw error
  }
}

/** As the host or the connection says it, without the name of the method. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replace(/^process\/\w+: /, '').replace(/\.$/, '')
}
