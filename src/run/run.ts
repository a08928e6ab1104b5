/**
 * A run: its folder, its lock, and the one writer of its event log.
 *
 * The folder is `events.jsonl` (the truth) and what is derived from it while the run goes on: `notebook.ipynb`, `run.json`,
 * `results/*.jsonl`. `artifacts/` holds large values by the hash of their bytes.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { openArtifacts, type Artifacts } from './artifacts.ts'
import { knownEvents, LOG_VERSION, type Emit, type EventInput, type EventOf, type RunEvent } from './events.ts'
import { EventQueue } from './event-queue.ts'
import { cellKey, type CellState } from './fold-cells.ts'
import type { Summary } from './fold-summary.ts'
import { acquireLock, type RunLock } from './lock.ts'
import { readEvents } from './log-reader.ts'
import { openLogWriter, type LogWriter } from './log-writer.ts'
import { openProjections, type Projections } from './projections.ts'

export type RunStatus = EventOf<'run-end'>['status']
export type RunStart = Omit<EventOf<'run-start'>, 'seq' | 'at' | 'type' | 'run' | 'by' | 'logVersion'>

export class Run {
  readonly id: string
  readonly folder: string
  readonly artifacts: Artifacts
  /** Parameters and seed that every kernel of the run is given. */
  readonly start: RunStart
  /** Aborted when the run is to end early: an interrupt, a limit. */
  readonly signal: AbortSignal
  /** Bound, so that it can be handed on: code below the experiment gets `emit`, not the run. */
  readonly emit: Emit
  readonly #lock: RunLock
  readonly #log: LogWriter
  readonly #projections: Projections
  readonly #queues = new Set<EventQueue>()
  readonly #startedAt = performance.now()
  #ended: Promise<void> | undefined

  private constructor(folder: string, start: RunStart, signal: AbortSignal, lock: RunLock) {
    this.start = start
    this.signal = signal
    this.folder = folder
    this.id = folder.split('/').at(-1)!
    this.#lock = lock
    this.artifacts = openArtifacts(join(folder, 'artifacts'))
    this.#log = openLogWriter(join(folder, 'events.jsonl'), { run: this.id })
    this.#projections = openProjections(folder, this.artifacts)
    this.emit = (event) => this.#append(event)
  }

  /** Takes the lock of a new, empty folder and writes the first event. */
  static create(folder: string, start: RunStart, signal = new AbortController().signal): Run {
    for (const name of ['artifacts', 'results', 'source']) mkdirSync(join(folder, name), { recursive: true })
    const run = new Run(folder, start, signal, acquireLock(folder))
    run.emit({ type: 'run-start', by: 'system', logVersion: LOG_VERSION, ...start })
    return run
  }

  /** Goes on with the log of a crashed run: takes over its lock, and makes everything that is derived from the log anew. */
  static async reopen(folder: string): Promise<Run> {
    const lock = acquireLock(folder)
    const { events } = await readEvents(join(folder, 'events.jsonl'))
    const start = knownEvents(events).find((event): event is EventOf<'run-start'> => event.type === 'run-start')
    if (!start) {
      lock.release()
      throw new SeerError('log-without-start', { message: `The log in ${folder} does not say what it is a log of.` })
    }
    const run = new Run(folder, start, new AbortController().signal, lock)
    for (const event of events) run.#projections.push(event)
    return run
  }

  /** The number of the last event. */
  get lastSeq(): number {
    return this.#log.lastSeq
  }

  get summary(): Summary {
    return this.#projections.summary
  }

  /** A cell as the log has it now. */
  cell(session: string, cell: string): CellState | undefined {
    return this.#projections.cells[cellKey({ session, cell })]
  }

  /** The ids of a session's cells, in the order of the notebook. */
  cells(session: string): string[] {
    return this.#projections.order.flatMap((key) => {
      const cell = this.#projections.cells[key]
      return cell?.session === session ? [cell.cell] : []
    })
  }

  /** Appends an event. It is in the file when this returns; {@link sync} makes sure that it is on the disk. */
  #append(event: EventInput): RunEvent {
    if (this.#ended && event.type !== 'run-end') {
      throw new SeerError('run-ended', { message: `The run ${this.id} has ended; "${event.type}" came too late.` })
    }
    const stamped = this.#log.append(event)
    this.#projections.push(stamped)
    for (const queue of this.#queues) queue.push(stamped)
    return stamped
  }

  sync(): Promise<void> {
    return this.#log.sync()
  }

  /** Stores bytes in `artifacts/` and returns their sha256. */
  readonly storeArtifact = (bytes: Uint8Array): string => this.artifacts.put(bytes)

  /** Events from now on, until the run ends or the loop is left. Events are kept until read. */
  events(): EventQueue {
    const queue = new EventQueue(() => this.#queues.delete(queue))
    this.#queues.add(queue)
    return queue
  }

  /** Writes the last event, the last notebook and run.json, and gives the lock back. Idempotent. */
  end(status: RunStatus, error?: unknown): Promise<void> {
    this.#ended ??= this.#end(status, error)
    return this.#ended
  }

  async #end(status: RunStatus, error?: unknown): Promise<void> {
    try {
      this.#appendEnd(status, error)
      await this.#log.sync()
      await this.#projections.close()
    } finally {
      for (const queue of this.#queues) queue.close()
      this.#log.close()
      this.#lock.release()
    }
  }

  /** For a process that is about to exit and can no longer wait: only the log, without the notebook's last state. */
  endNow(status: RunStatus, error?: unknown): void {
    if (this.#ended) return
    this.#ended = Promise.resolve()
    this.#appendEnd(status, error)
    this.#log.syncNow()
    this.#projections.closeNow()
    this.#log.close()
    this.#lock.release()
  }

  #appendEnd(status: RunStatus, error: unknown): void {
    const durationMs = Math.round(performance.now() - this.#startedAt)
    this.#append({ type: 'run-end', by: 'system', status, durationMs, ...(error === undefined ? {} : { error: errorOf(error) }) })
  }
}

function errorOf(error: unknown): NonNullable<EventOf<'run-end'>['error']> {
  if (!(error instanceof SeerError)) return { code: 'unexpected', message: describeError(error) }
  return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }
}
