/**
 * A run: its folder, its lock, and the one writer of its event log.
 *
 * The folder is `events.jsonl` (the truth) and what is derived from it while the run goes on: `notebook.ipynb`, `run.json`,
 * `results/*.jsonl`. `artifacts/` holds large values by the hash of their bytes.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { describeError, firstError, SeerError } from '../errors.ts'
import { openArtifacts, type Artifacts } from './artifacts.ts'
import { knownEvents, LOG_VERSION, type Emit, type EventInput, type EventOf, type RunEvent } from './events.ts'
import { EventQueue } from './event-queue.ts'
import { listenForControl, newControlPath } from './control-server.ts'
import { openSteering, type Steering } from './control-steering.ts'
import { cellKey, sessionKey, type CellState } from './fold-cells.ts'
import type { Summary } from './fold-summary.ts'
import { fold } from './fold.ts'
import { lifetimeFold, lifetimeMs } from './lifetime.ts'
import { acquireLock, type RunLock } from './lock.ts'
import { readEvents } from './log-reader.ts'
import { openLogWriter, type LogWriter } from './log-writer.ts'
import { openOffered } from './offered.ts'
import { openProjections, type Projections } from './projections.ts'
import { openRedactor } from './redactor.ts'

export type RunStatus = EventOf<'run-end'>['status']
export type RunStart = Omit<EventOf<'run-start'>, 'seq' | 'at' | 'type' | 'run' | 'by' | 'logVersion'>

export class Run {
  readonly id: string
  readonly folder: string
  readonly artifacts: Artifacts
  /** Knows the secrets of the run's sandboxes, and hides them in every event. */
  readonly redactor = openRedactor()
  /** Parameters and seed that every kernel of the run is given. */
  readonly start: RunStart
  /** Aborted when the run is to end early: by who created it, or because somebody stopped it from outside. */
  readonly signal: AbortSignal
  /** What people can do to the run while it goes on. Agents say here that they work. */
  readonly steering: Steering
  /** Sessions say here how JupyterLab is had on them. */
  readonly jupyter = openOffered()
  /** Bound, so that it can be handed on: code below the experiment gets `emit`, not the run. */
  readonly emit: Emit
  readonly #lock: RunLock
  readonly #log: LogWriter
  readonly #projections: Projections
  readonly #queues = new Set<EventQueue>()
  #stopListening: () => void = () => undefined
  #startedAt = 0
  /** Of a crashed run, whose life this process has not measured. */
  #livedMs: number | undefined
  #sessions = 0
  /** By id, the sandbox in which it is. */
  readonly #sessionsTaken = new Map<string, string>()
  readonly #open = new Set<() => Promise<void>>()
  #ended: Promise<void> | undefined
  #closed = false
  /** The first error after which the run cannot count as completed, whoever caught it. */
  #failure: SeerError | undefined

  private constructor(folder: string, start: RunStart, signal: AbortSignal, lock: RunLock) {
    this.start = start
    const stopped = new AbortController()
    this.signal = AbortSignal.any([signal, stopped.signal])
    this.steering = openSteering(
      (event) => this.#append(event),
      (reason) => stopped.abort(reason),
    )
    this.folder = resolve(folder)
    this.id = basename(this.folder)
    this.#lock = lock
    this.artifacts = openArtifacts(join(folder, 'artifacts'))
    this.#log = openLogWriter(join(folder, 'events.jsonl'), { run: this.id })
    this.#projections = openProjections(folder, this.artifacts)
    this.emit = (event) => this.#append(event)
  }

  /** Takes the lock of a new, empty folder, writes the first event, and listens to what other commands ask of it. */
  static create(folder: string, start: RunStart, signal: AbortSignal = new AbortController().signal): Run {
    const control = controlPath()
    const lock = occupy(folder, typeof control === 'string' ? control : undefined)
    try {
      const run = new Run(folder, start, signal, lock)
      run.#startedAt = performance.now()
      run.emit({ type: 'run-start', by: 'system', logVersion: LOG_VERSION, ...start })
      run.#listen(control)
      return run
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** Goes on with the log of a crashed run: takes over its lock, and makes everything that is derived from the log anew. */
  static async reopen(folder: string): Promise<Run> {
    refuseLinks(folder)
    const lock = acquireLock(folder)
    try {
      const { events } = await readEvents(join(folder, 'events.jsonl'))
      const start = knownEvents(events).find((event): event is EventOf<'run-start'> => event.type === 'run-start')
      if (!start)
        throw new SeerError('log-without-start', { message: `The log in ${folder} does not say what it is a log of.` })
      if (events.some(({ type }) => type === 'run-end'))
        throw new SeerError('run-ended', { message: `The run in ${folder} has ended.` })
      const run = new Run(folder, start, new AbortController().signal, lock)
      run.#livedMs = lifetimeMs(fold(lifetimeFold, events))
      for (const event of events) run.#projections.push(event)
      return run
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** A run to which nothing can be said from outside is still a run. */
  #listen(control: string | SeerError): void {
    let told = false
    const deaf = (problem: unknown) => {
      if (this.#closed || told) return
      told = true
      const text = `Other commands cannot reach this run: neither its page nor \`seer stop\` can interrupt or stop it. ${describeError(problem)}`
      try {
        this.#append({ type: 'notice-add', by: 'system', level: 'warning', code: 'control-missing', text })
      } catch {
        // It is noted that the log cannot be written.
      }
    }
    if (typeof control === 'string') this.#stopListening = listenForControl(control, this, deaf)
    else deaf(control)
  }

  /** The number of the last event. */
  get lastSeq(): number {
    return this.#log.lastSeq
  }

  get summary(): Summary {
    return this.#projections.summary
  }

  /** Ids of sessions count up for the whole run: two sandboxes of it have no session, and so no cell, of the same name. */
  nextSessionId(): string {
    this.#sessions += 1
    return `s${this.#sessions}`
  }

  /** Whether a session of this id is one of that sandbox: another sandbox of the run may have one of the same. */
  takeSessionId(session: string, sandbox: string): boolean {
    const known = this.#sessionsTaken.get(session) ?? sandbox
    this.#sessionsTaken.set(session, known)
    return known === sandbox
  }

  /** A cell as the log has it now. */
  cell(session: string, cell: string): CellState | undefined {
    return this.#projections.cellsState.cells[cellKey({ session, cell })]
  }

  /** The ids of a session's cells, in the order of the notebook. */
  cells(session: string): string[] {
    return this.#projections.cellsState.order.flatMap((key) => {
      const cell = this.#projections.cellsState.cells[key]
      return cell?.session === session ? [cell.cell] : []
    })
  }

  /** The ids of a session's cells as they came, and of those that put out something after their end: never copied, however many there are. */
  progress(session: string): { readonly begun: readonly string[]; readonly late: readonly string[] } {
    const { begun, late } = this.#projections.cellsState
    const key = sessionKey(session)
    return { begun: begun[key] ?? [], late: late[key] ?? [] }
  }

  /** The text of the notebook as the log has it now, in pieces. */
  notebook(): Iterable<Uint8Array> {
    return this.#projections.notebook()
  }

  /** Of that, what was run in one sandbox: for whoever works there, and is to know nothing of another. */
  notebookOf(sandbox: string): Iterable<Uint8Array> {
    return this.#projections.notebookOf((session) => this.#sessionsTaken.get(session) === sandbox)
  }

  /** Appends an event. It is in the file when this returns; {@link sync} makes sure that it is on the disk. */
  #append(event: EventInput): RunEvent {
    if (this.#closed)
      throw new SeerError('run-ended', { message: `The run ${this.id} has ended; "${event.type}" came too late.` })
    try {
      const stamped = this.#log.append(this.redactor.event(event))
      for (const queue of this.#queues) queue.push(stamped)
      this.#projections.push(stamped)
      return stamped
    } catch (error) {
      throw this.#noted(error)
    }
  }

  async sync(): Promise<void> {
    try {
      await this.#log.sync()
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Whoever catches it: a run whose log or results could not be written has not completed. */
  #noted(error: unknown): unknown {
    if (error instanceof SeerError && error.endsRun) this.#failure ??= error
    return error
  }

  /** Has `close` called when the run ends, before its last event: for what must not outlive the run. Returns how to take it back. */
  beforeEnd(close: () => Promise<void>): () => void {
    this.#open.add(close)
    return () => void this.#open.delete(close)
  }

  /** Stores bytes in `artifacts/` and returns their sha256. */
  readonly storeArtifact = (bytes: Uint8Array): string => this.artifacts.put(bytes)

  /** Events from now on, until the run ends or the loop is left. Events are kept until read. */
  events(): EventQueue {
    const queue = new EventQueue(() => this.#queues.delete(queue))
    this.#queues.add(queue)
    return queue
  }

  /**
   * Ends what is open, writes the last event, the last notebook and run.json, and gives the lock back. Idempotent. Throws, after
   * all of that, what could not be written; a run in which that has happened has failed, whatever `status` says.
   */
  end(status: RunStatus, error?: unknown): Promise<void> {
    this.steering.close()
    this.#ended ??= this.#end(status, error)
    return this.#ended
  }

  async #end(status: RunStatus, error?: unknown): Promise<void> {
    const problems: Error[] = []
    const attempt = async (step: () => unknown) => {
      try {
        await step()
      } catch (problem) {
        problems.push(problem instanceof Error ? problem : new Error(String(problem)))
      }
    }
    for (const close of this.#open) await attempt(close)
    const hidden = status === 'completed' ? this.#failure : undefined
    // On a full disk it would take the room that is kept for the log's last line.
    await this.#projections.rest()
    await attempt(() => this.#appendEnd(hidden ? 'failed' : status, hidden ?? error))
    await attempt(() => this.#log.sync())
    await attempt(() => this.#projections.close())
    this.#giveBack()
    const problem = hidden ?? problems[0]
    if (problem !== undefined) throw problem
  }

  /** For a process that is about to exit and can no longer wait. What is open is left to end itself. */
  endNow(status: RunStatus, error?: unknown): void {
    if (this.#closed) return
    this.#ended ??= Promise.resolve()
    try {
      this.#appendEnd(status, error)
      this.#log.syncNow()
      this.#projections.closeNow()
    } finally {
      this.#giveBack()
    }
  }

  /** Closes the log without an end and leaves the lock to this process: who comes after it finds a crashed run. */
  leave(): void {
    this.#ended ??= Promise.resolve()
    this.#closed = true
    void this.#projections.rest()
    this.#log.close()
  }

  #appendEnd(status: RunStatus, error: unknown): void {
    if (this.#closed) return
    const durationMs = this.#livedMs ?? Math.round(performance.now() - this.#startedAt)
    try {
      this.#append({
        type: 'run-end',
        by: 'system',
        status,
        durationMs,
        ...(error === undefined ? {} : { error: errorOf(error) }),
      })
    } finally {
      this.#closed = true
    }
  }

  #giveBack(): void {
    this.#stopListening()
    for (const queue of this.#queues) queue.close()
    try {
      this.#log.close()
    } finally {
      this.#lock.release()
    }
  }
}

function controlPath(): string | SeerError {
  try {
    return newControlPath()
  } catch (error) {
    if (error instanceof SeerError) return error
    throw error
  }
}

/** A folder that was handed over may hold them, and what is made anew would be written where they lead. */
function refuseLinks(folder: string): void {
  const link = readdirSync(folder, { withFileTypes: true }).find((entry) => entry.isSymbolicLink())
  if (!link) return
  throw new SeerError('run-folder-refused', {
    message: `The run in ${folder} is not gone on with: ${JSON.stringify(link.name)} in it is a link, which Seer never makes.`,
    hint: 'Remove the link if the run is yours.',
  })
}

/** The folders of a run, and its lock. */
function occupy(folder: string, control: string | undefined): RunLock {
  try {
    for (const name of ['artifacts', 'results', 'source']) mkdirSync(join(folder, name), { recursive: true })
    return acquireLock(folder, control)
  } catch (error) {
    if (error instanceof SeerError) throw error
    throw new SeerError('output-dir-unusable', {
      message: `The run folder ${folder} cannot be written to: ${describeError(error)}`,
      hint: 'Make room on that disk, or choose another one with --output-dir.',
      cause: error,
    })
  }
}

function errorOf(thrown: unknown): NonNullable<EventOf<'run-end'>['error']> {
  const error = firstError(thrown)
  if (!(error instanceof SeerError)) return { code: 'unexpected', message: describeError(error) }
  return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }
}
