/**
 * A kernel of one session: runs cells, is interrupted, dies and is started again. Its variables belong to a generation.
 *
 * What a cell printed is not returned from here: it is in the run's event log by the time that the cell has ended.
 */
import type { Connection } from '../channel/host-connection.ts'
import type { JournalListener } from '../channel/journal.ts'
import type { JournalRecord, KernelConfig, Result } from '../channel/protocol.ts'
import { SeerError } from '../errors.ts'
import type { By, Emit } from '../run/events.ts'
import { untilAborted } from '../until-aborted.ts'

export type CellStatus = 'ok' | 'error' | 'aborted' | 'died' | 'stopped' | 'unknown'
export interface CellEnd {
  readonly status: CellStatus
  readonly executionCount: number | null
  readonly durationMs: number
}
export interface CellOptions {
  readonly by: By
  readonly hidden?: boolean
  /** The cell whose place it takes. */
  readonly supersedes?: string
  /** The cell whose code is run again. */
  readonly replays?: string
  /** The cell behind which it stands; null: before all others. */
  readonly after?: string | null
}
export interface StartedCell {
  readonly cell: string
  /** Resolves when the cell's end is on the disk. Rejects only when the sandbox or the log is lost. */
  readonly ended: Promise<CellEnd>
}

export type PeekResult = Result<'kernel/peek'>

/** How long each step of an interrupt may take before the next: message, SIGINT, SIGINT again. */
const LADDER = [
  { how: 'message', waitMs: 2000 },
  { how: 'signal', waitMs: 5000 },
  { how: 'signal', waitMs: 5000 },
] as const
type Ladder = readonly { how: 'message' | 'signal'; waitMs: number }[]
const KEEP_ALIVE_MS = 60_000

/** What the host answers when the kernel that was meant is not there any more. */
const GONE = new Set(['kernel-gone', 'stale-generation'])

/** What another process needs to go on with it. */
export interface KernelStanding {
  readonly generation: number
  /** Cell ids up to this one are taken; so with those of peeks. */
  readonly cells: number
  readonly peeks: number
  /** Null while it lives. */
  readonly death: KernelDeath | null
}

/** A kernel that an earlier process started. */
export interface EarlierKernel extends KernelStanding {
  readonly authors: ReadonlyMap<string, By>
  /** Cells that have not ended. */
  readonly running: readonly string[]
}

interface KernelDeath {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly because?: string | undefined
}

interface Options {
  readonly connection: Connection
  readonly emit: Emit
  readonly sandbox: string
  readonly session: string
  readonly config: KernelConfig
  readonly ladder?: Ladder
  readonly earlier?: EarlierKernel | undefined
}

export class Kernel implements JournalListener {
  readonly session: string
  readonly #options: Options
  readonly #authors = new Map<string, By>()
  readonly #running = new Map<string, PromiseWithResolvers<CellEnd>>()
  /** By generation: a record may come before the answer to the start. */
  readonly #deaths = new Map<number, KernelDeath>()
  #generation = 0
  #starting: Promise<void> | undefined
  readonly #interrupting = new Set<Promise<boolean>>()
  #keepAlive: NodeJS.Timeout | undefined
  #lost: Error | undefined
  #cells = 0
  #peeks = 0

  constructor(options: Options) {
    this.#options = options
    this.session = options.session
    if (options.earlier) this.#goOn(options.earlier)
  }

  #goOn({ generation, cells, peeks, death, authors, running }: EarlierKernel): void {
    this.#generation = generation
    this.#cells = cells
    this.#peeks = peeks
    if (death) this.#deaths.set(generation, death)
    for (const [cell, by] of authors) this.#authors.set(cell, by)
    for (const cell of running) this.#addRunning(cell)
  }

  get generation(): number {
    return this.#generation
  }

  /** Resolves when no kernel is just being started. */
  async standing(): Promise<() => KernelStanding> {
    await this.#starting?.catch(() => undefined)
    return () => {
      const death = this.#deaths.get(this.generation) ?? null
      return { generation: this.generation, cells: this.#cells, peeks: this.#peeks, death }
    }
  }

  /** Cells that were started and have not ended, in order. */
  get running(): string[] {
    return [...this.#running.keys()]
  }

  /** The cell that was started last. */
  get latest(): string | undefined {
    return [...this.#authors.keys()].at(-1)
  }

  /** Why the kernel is dead, or undefined while it lives. */
  get death(): string | undefined {
    const death = this.#deaths.get(this.generation)
    if (!death) return undefined
    const { exitCode, signal, because } = death
    const how = signal ? `killed by ${signal}` : `exit code ${exitCode}`
    return because === undefined ? how : `${how}: ${because}`
  }

  authorOf(cell: string): By {
    return this.#authors.get(cell) ?? 'system'
  }

  /** Starts the first generation, or the next one; what the old one held in memory is lost. */
  start(signal?: AbortSignal): Promise<void> {
    this.#starting ??= this.#startNext(signal).finally(() => (this.#starting = undefined))
    return this.#starting
  }

  async #startNext(signal?: AbortSignal): Promise<void> {
    if (this.#lost) throw this.#lost
    const { connection, config } = this.#options
    const generation = this.generation + 1
    await connection.request('kernel/start', { session: this.session, generation, config }, signal)
    this.#generation = generation
  }

  /** Takes the next cell id and hands the code to the kernel. Ids count up for the whole session and are never used again. */
  async execute(code: string, options: CellOptions): Promise<StartedCell> {
    await this.#starting?.catch(() => undefined)
    // A cell that came before the end of the interrupted one would not be run.
    await Promise.allSettled(this.#interrupting)
    if (this.#lost) throw this.#lost
    if (this.death !== undefined) throw this.#deadError()
    const cell = this.takeCellId()
    const { by, hidden = false, ...relation } = options
    const place = { session: this.session, sandbox: this.#options.sandbox, cell }
    this.#authors.set(cell, by)
    this.#options.emit({
      type: 'cell-start',
      ...place,
      by,
      code,
      hidden,
      ...relation,
    })
    const end = this.#addRunning(cell)
    try {
      await this.#options.connection.request('kernel/execute', {
        session: this.session,
        generation: this.generation,
        cell,
        code,
      })
    } catch (error) {
      const unknown: CellEnd = { status: 'unknown', executionCount: null, durationMs: 0 }
      this.#ended(cell, unknown)
      this.#options.emit({ type: 'cell-end', ...place, by: 'system', ...unknown })
      if (error instanceof SeerError && GONE.has(error.code)) throw this.#deadError()
      throw error
    }
    return { cell, ended: end.promise }
  }

  #addRunning(cell: string): PromiseWithResolvers<CellEnd> {
    const end = Promise.withResolvers<CellEnd>()
    end.promise.catch(() => undefined)
    this.#running.set(cell, end)
    // Else a script that waits for a cell and nothing else would end before it.
    this.#keepAlive ??= setInterval(() => undefined, KEEP_ALIVE_MS)
    return end
  }

  /** Runs code beside the cell that runs, and resolves with what it printed. It is no cell. */
  async peek(code: string, seconds: number, signal?: AbortSignal): Promise<PeekResult> {
    await this.#starting?.catch(() => undefined)
    if (this.#lost) throw this.#lost
    if (this.death !== undefined) throw this.#deadError()
    this.#peeks += 1
    const { session, generation } = this
    const params = { session, generation, peek: `p${this.#peeks}-${generation}`, code, seconds }
    try {
      return await this.#options.connection.request('kernel/peek', params, signal)
    } catch (error) {
      if (error instanceof SeerError && GONE.has(error.code)) throw this.#deadError()
      throw error
    }
  }

  takeCellId(): string {
    this.#cells += 1
    return `c${this.#cells}`
  }

  /** The end of a running cell; undefined for one that is not running. */
  ended(cell: string): Promise<CellEnd> | undefined {
    return this.#running.get(cell)?.promise
  }

  /** Resolves when no cell is running. */
  async settle(signal: AbortSignal): Promise<void> {
    while (this.#running.size > 0) {
      await untilAborted(Promise.race([...this.#running.values()].map(({ promise }) => promise)), signal)
    }
  }

  /** Asks, then sends SIGINT, then again. False: the running cell has swallowed all three, and only a restart will stop it. */
  async interrupt(by: By): Promise<boolean> {
    const climbing = this.#climb(by)
    this.#interrupting.add(climbing)
    try {
      return await climbing
    } finally {
      this.#interrupting.delete(climbing)
    }
  }

  async #climb(by: By): Promise<boolean> {
    const [first] = this.#running
    if (!first) return true
    const [cell, current] = first
    for (const { how, waitMs } of this.#options.ladder ?? LADDER) {
      this.#options.emit({
        type: 'cell-interrupt',
        session: this.session,
        sandbox: this.#options.sandbox,
        cell,
        by,
        how,
      })
      await this.#options.connection.request('kernel/interrupt', {
        session: this.session,
        generation: this.generation,
        cell,
        how,
      })
      if (await endsWithin(current.promise, waitMs)) return true
    }
    return false
  }

  /** Ends it for good: what it held in memory is lost. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined)
    if (this.#lost || this.generation === 0) return
    await this.#options.connection.request('kernel/stop', { session: this.session, generation: this.generation })
  }

  /** From the journal, after the record's events are in the log. */
  take(record: JournalRecord): void {
    if (record.kind === 'kernel-dead') {
      const { generation, exitCode, signal, because } = record
      this.#deaths.set(generation, { exitCode, signal, because })
    }
    if (record.kind !== 'cell-end') return
    const { cell, status, executionCount, durationMs } = record
    this.#ended(cell, { status, executionCount, durationMs })
  }

  #ended(cell: string, end: CellEnd): void {
    this.#running.get(cell)?.resolve(end)
    this.#running.delete(cell)
    this.#sleepIfIdle()
  }

  #sleepIfIdle(): void {
    if (this.#running.size > 0) return
    clearInterval(this.#keepAlive)
    this.#keepAlive = undefined
  }

  /** Nobody will ever say how the running cells ended; the log's reader sees cells without an end. */
  lose(error: unknown): void {
    this.#lost = error instanceof Error ? error : new Error(String(error))
    for (const end of this.#running.values()) end.reject(this.#lost)
    this.#running.clear()
    this.#sleepIfIdle()
  }

  #deadError(): SeerError {
    return new SeerError('kernel-dead', {
      message: `The kernel has died (${this.death ?? 'it ended'}). All variables are lost.`,
      hint: 'Call restart_kernel, then run again what you need.',
    })
  }
}

async function endsWithin(end: Promise<unknown>, waitMs: number): Promise<boolean> {
  const timer = Promise.withResolvers<boolean>()
  const handle = setTimeout(() => timer.resolve(false), waitMs)
  try {
    return await Promise.race([end.then(() => true), timer.promise])
  } finally {
    clearTimeout(handle)
  }
}
