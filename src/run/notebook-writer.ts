/**
 * Writes `notebook.ipynb` while the run goes on: whole or not at all, at most once a second, and for less than a tenth of the
 * time. It is made from the log, so a write that fails is no reason to stop; only the last one must succeed.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import type { ReadBlob } from '../notebook/stream-text.ts'
import { notebookFold, type NotebookState } from './fold-notebook.ts'
import type { AnyEvent } from './fold.ts'
import { NotebookJson } from './notebook-json.ts'

export interface NotebookWriter {
  push(event: AnyEvent): void
  /** Resolves when nothing is being written; nothing is from then on, until the last write. */
  rest(): Promise<void>
  /** The last write. Throws `notebook-write-failed`. Idempotent. */
  close(): Promise<void>
  /** The last write of a process that can no longer wait. */
  closeNow(): void
  /** Why the last write failed, if it did. */
  readonly problem: string | undefined
  readonly state: NotebookState
  /** What would be written now. */
  pieces(): Generator<Buffer>
  /** Of that, the cells of some sessions. */
  piecesOf(isMeant: (session: string) => boolean): Generator<Buffer>
}

export interface NotebookWriterOptions {
  readonly readBlob: ReadBlob
  readonly everyMs?: number
  /** Told of the first failed write in a row. */
  readonly onProblem?: (problem: string) => void
}

/** Writing for `n` ms is followed by at least nine times as long without. */
const REST = 9
const BATCH_BYTES = 512 * 1024

export function openNotebookWriter(path: string, options: NotebookWriterOptions): NotebookWriter {
  const { readBlob, everyMs = 1000, onProblem } = options
  const json = new NotebookJson(readBlob)
  const aside = join(dirname(path), `.${basename(path)}.new`)
  let state = notebookFold.initial()
  let dirty = true
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let notBefore = 0
  let problem: string | undefined
  let closing: Promise<void> | undefined
  let isResting = false

  function schedule(): void {
    if (timer || writing || isResting || !dirty) return
    timer = setTimeout(() => void write(), Math.max(0, notBefore - performance.now()))
    timer.unref()
  }

  async function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    dirty = false
    const began = performance.now()
    writing = writePieces(aside, path, json.pieces(state))
    try {
      await writing
      problem = undefined
    } catch (error) {
      const known = problem !== undefined
      problem = describeError(error)
      dirty = true
      if (!known) onProblem?.(problem)
    }
    writing = undefined
    const tookMs = performance.now() - began
    notBefore = performance.now() + Math.max(everyMs, REST * tookMs)
    schedule()
  }

  async function rest(): Promise<void> {
    isResting = true
    clearTimeout(timer)
    timer = undefined
    await writing?.catch(() => undefined)
  }

  async function writeLast(): Promise<void> {
    await rest()
    if (dirty) await write()
    if (problem !== undefined) throw failed(path, problem)
  }

  return {
    push(event) {
      state = notebookFold.step(state, event)
      dirty = true
      schedule()
    },
    rest,
    close() {
      closing ??= writeLast()
      return closing
    },
    closeNow() {
      isResting = true
      clearTimeout(timer)
      if (!dirty && !writing) return
      closing ??= Promise.resolve()
      try {
        writePiecesNow(`${aside}.last`, path, json.pieces(state))
      } catch (error) {
        throw failed(path, describeError(error))
      }
    },
    get problem() {
      return problem
    },
    get state() {
      return state
    },
    pieces: () => json.pieces(state),
    piecesOf: (isMeant) => json.piecesOf(state, isMeant),
  }
}

function failed(path: string, why: string): SeerError {
  return new SeerError('notebook-write-failed', {
    message: `The notebook ${path} could not be written: ${why}`,
    hint: 'Nothing is lost: it is made from events.jsonl. Make room on that disk, then let `seer show` write it again.',
  })
}

async function writePieces(aside: string, path: string, pieces: Iterable<Buffer>): Promise<void> {
  try {
    const file = await open(aside, 'w')
    try {
      // Unlike writev, this goes on after a short write, and so meets the error that a full disk gives then.
      for (const batch of batches(pieces)) await file.writeFile(batch)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined)
    throw error
  }
}

function writePiecesNow(aside: string, path: string, pieces: Iterable<Buffer>): void {
  const file = openSync(aside, 'w')
  try {
    for (const piece of pieces) for (let at = 0; at < piece.length;) at += writeSync(file, piece, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(aside, path)
}

/** Between two of these the event loop gets its turn. */
function* batches(pieces: Iterable<Buffer>): Generator<Buffer> {
  let batch: Buffer[] = []
  let bytes = 0
  for (const piece of pieces) {
    batch.push(piece)
    bytes += piece.length
    if (bytes < BATCH_BYTES) continue
    yield Buffer.concat(batch)
    batch = []
    bytes = 0
  }
  yield Buffer.concat(batch)
}
