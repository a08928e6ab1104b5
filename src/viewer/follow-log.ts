/**
 * Follows an event log that may still be growing, from any place in it: the events in batches, whether somebody still writes to it,
 * and that it went away. Reads on only when asked for more, so a slow reader costs nothing and loses nothing.
 */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError } from '../errors.ts'
import { readLock } from '../run/lock.ts'
import { openFileChanges } from './file-changes.ts'
import { logBatches, type LogBatch, type Place } from './log-batches.ts'

export type Followed =
  | ({ kind: 'batch' } & Pick<LogBatch, 'events' | 'problems' | 'place'>)
  /** `live`: its writer lives. `caughtUp`: the end of the log was reached. */
  | { kind: 'state'; live: boolean; caughtUp: boolean }
  /** The log is not there any more, or is another one. Nothing comes after this. */
  | { kind: 'gone'; why: string }

const LOCK_CHECK_MS = 1000

export async function* followLog(
  folder: string,
  from: Place,
  signal: AbortSignal,
): AsyncGenerator<Followed, void, void> {
  const path = join(folder, 'events.jsonl')
  using changes = openFileChanges(path)
  let place = from
  let inode: number | undefined
  let readSize: number | undefined
  let live: boolean | undefined
  let checkedAt = 0
  let toldTornAt: number | undefined
  if (!(await isLineStart(path, from.offset))) return yield gone('it is not the log that was read before')

  while (!signal.aborted) {
    const found = await stat(path).catch(() => undefined)
    if (!found) return yield gone('it was deleted')
    if (found.ino !== (inode ??= found.ino)) return yield gone('another log took its place')
    if (found.size < place.offset) return yield gone('it is shorter than it was')

    // Asked before the log is read: what a writer wrote before it ended is then read too.
    const before = live
    if (live === undefined || performance.now() - checkedAt >= LOCK_CHECK_MS) {
      live = readLock(folder)?.alive === true
      checkedAt = performance.now()
    }
    if (before === undefined) yield { kind: 'state', live, caughtUp: false }
    if (found.size !== readSize || live !== before) {
      try {
        for await (const { torn, ...batch } of logBatches(path, place)) {
          const problems = [...batch.problems]
          // While somebody writes, a line without an end is one that is being written.
          if (torn && !live && torn.at !== toldTornAt) {
            problems.push(torn)
            toldTornAt = torn.at
          }
          place = batch.place
          if (batch.events.length + problems.length > 0) yield { kind: 'batch', ...batch, problems }
          if (signal.aborted) return
        }
      } catch (error) {
        return yield gone(describeError(error))
      }
      readSize = found.size
      if (live !== before) yield { kind: 'state', live, caughtUp: true }
    }
    await changes.next(signal)
  }
}

function gone(why: string): Followed {
  return { kind: 'gone', why: `The run’s log cannot be followed: ${why}.` }
}

/** A place that a page came back with may be of a log that was here before. */
async function isLineStart(path: string, offset: number): Promise<boolean> {
  if (offset === 0) return true
  try {
    await using file = await open(path)
    const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, offset - 1)
    return bytesRead === 1 && buffer[0] === 0x0a
  } catch {
    return false
  }
}
