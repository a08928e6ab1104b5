/**
 * The one writer of `events.jsonl`. A line is in the file when `append` returns, whole or not at all; `sync` makes sure that
 * the disk has it. When the disk is full, the log ends at its last whole line, and a reserve makes room for the run's last word.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { parseEvent, type EventInput, type RunEvent } from './events.ts'
import { cutTornEnd } from './log-end.ts'
import { MAX_LINE_BYTES } from './log-reader.ts'

export interface LogWriter {
  /** Stamps an event and writes it as one line. Throws `log-write-failed`, which ends the run, when it cannot. */
  append(event: EventInput): RunEvent
  /** Resolves when all that was appended before is on the disk. Calls that come together share one fdatasync. */
  sync(): Promise<void>
  syncNow(): void
  close(): void
  /** 0 for an empty log. */
  readonly lastSeq: number
}

export interface LogWriterOptions {
  readonly run: string
  /** The number of the first event of an empty log. */
  readonly firstSeq?: number
  /** For tests of what a failing disk does: writes from `at` on and returns how many bytes it wrote. */
  readonly write?: (file: number, bytes: Uint8Array, at: number) => number
}

const RESERVE_BYTES = 64 * 1024

export function openLogWriter(path: string, options: LogWriterOptions): LogWriter {
  const { run, firstSeq = 1, write = writeSync } = options
  let failure: SeerError | undefined
  let readable = true
  let syncing: Promise<void> | undefined
  let syncingNext: Promise<void> | undefined
  let closed = false

  function fail(what: string, cause: unknown): SeerError {
    failure ??= new SeerError('log-write-failed', {
      message: `The event log ${path} could not be ${what}: ${describeError(cause)}`,
      hint: 'Make room on that disk, or choose another one with --output-dir. All that was written before is kept and readable.',
      cause,
      endsRun: true,
    })
    return failure
  }

  const { file, lastSeq: lastOfFile } = open()
  const reserve = join(dirname(path), '.events.reserve')
  makeReserve(reserve)
  let lastSeq = lastOfFile ?? firstSeq - 1
  let length = fstatSync(file).size

  function open(): { file: number; lastSeq: number | undefined } {
    try {
      const end = cutTornEnd(path)
      const opened = openSync(path, 'a')
      syncFolder(dirname(path))
      return { file: opened, lastSeq: end.lastSeq }
    } catch (error) {
      throw fail('opened', error)
    }
  }

  /** The log stays readable: it ends where its last whole line ends. */
  function takeBack(): void {
    try {
      ftruncateSync(file, length)
    } catch {
      readable = false
    }
  }

  function append(event: EventInput): RunEvent {
    if (closed)
      throw new SeerError('log-closed', { message: `The event log ${path} is closed; "${event.type}" came too late.` })
    // After a failure there is room for one thing: how the run ended.
    if (failure && (event.type !== 'run-end' || !readable)) throw failure
    if (failure) rmSync(reserve, { force: true })
    const stamped = stamp(event, { seq: lastSeq + 1, at: new Date().toISOString(), run })
    const line = Buffer.from(`${JSON.stringify(stamped)}\n`)
    if (line.length > MAX_LINE_BYTES)
      throw invalid(event.type, `its ${line.length} bytes are more than a line may have`)
    try {
      for (let at = 0; at < line.length;) {
        const written = write(file, line, at)
        if (written <= 0) throw new Error('the disk took no more bytes')
        at += written
      }
    } catch (error) {
      takeBack()
      throw fail('written', error)
    }
    length += line.length
    lastSeq += 1
    return stamped
  }

  function startSync(): Promise<void> {
    syncing = new Promise<void>((resolve, reject) => {
      // A failed fdatasync must not be tried again: the system may have dropped what it could not write.
      fdatasync(file, (error) => {
        syncing = undefined
        if (closed) closeSync(file)
        if (error) reject(fail('put on the disk', error))
        else resolve()
      })
    })
    return syncing
  }

  function sync(): Promise<void> {
    if (closed) return Promise.resolve()
    if (!syncing) return startSync()
    // The one under way may have begun before the last append, so these callers wait for the next.
    syncingNext ??= syncing
      .catch(() => undefined)
      .then(() => {
        syncingNext = undefined
        return closed ? undefined : startSync()
      })
    return syncingNext
  }

  return {
    append,
    sync,
    syncNow() {
      try {
        fdatasyncSync(file)
      } catch (error) {
        throw fail('put on the disk', error)
      }
    },
    close() {
      if (closed) return
      closed = true
      rmSync(reserve, { force: true })
      if (syncing) return
      closeSync(file)
    },
    get lastSeq() {
      return lastSeq
    },
  }
}

/** What is written is what a reader will get: checked against the event's schema, without keys that it does not know. */
function stamp(event: EventInput, stamps: { seq: number; at: string; run: string }): RunEvent {
  const { seq, at, run } = stamps
  const { type, ...rest } = event
  const parsed = parseEvent({ ...rest, seq, at, type, run })
  if (parsed.kind === 'event') return parsed.event
  throw invalid(type, parsed.kind === 'invalid' ? parsed.why : 'no such type')
}

function invalid(type: string, why: string): SeerError {
  return new SeerError('invalid-event', { message: `A ${type} event is not valid and was not written: ${why}` })
}

/** Real bytes, so that no file system can promise them twice. Without room for it the log is written all the same. */
function makeReserve(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return
  try {
    writeFileSync(path, randomBytes(RESERVE_BYTES), { flush: true })
  } catch {
    rmSync(path, { force: true })
  }
}

/** So that the file's name, too, survives a power cut. Not every system lets a folder be opened. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, 'r')
    try {
      fdatasyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch {
    return
  }
}
