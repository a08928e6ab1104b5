/** A snapshot to begin with: found, checked, and compared with what a new sandbox is asked to be. */
import type { Snapshot, SnapshotRecord } from './snapshot.ts'
import { replayList } from './replay-list.ts'
import { readRecord } from './read-record.ts'
import { refuseTooLarge } from './refuse-too-large.ts'
import { findSnapshot } from './store.ts'
import { verify } from './verify.ts'

export interface OpenedSnapshot {
  readonly folder: string
  readonly record: SnapshotRecord
  readonly snapshot: Snapshot
}

/** By its id, name, or folder, or as `snapshot()` returned it. Reads every byte; throws `snapshot-unknown`, `-damaged`, `-too-large`. */
export async function openSnapshot(which: string | Snapshot, signal?: AbortSignal): Promise<OpenedSnapshot> {
  const folder = findSnapshot(typeof which === 'string' ? which : which.path)
  const record = readRecord(folder)
  await refuseTooLarge(folder, record)
  await verify(folder, record, signal)
  return { folder, record, snapshot: snapshotOf(folder, record) }
}

export function snapshotOf(path: string, { id, name, createdAt, run, sandbox, ...record }: SnapshotRecord): Snapshot {
  const files = record.files.filter((entry) => entry.kind === 'file')
  return {
    id,
    name,
    path,
    createdAt,
    run,
    sandbox,
    files: files.length,
    bytes: files.reduce((sum, entry) => sum + entry.bytes, 0),
    skipped: record.skipped,
    replay: replayList(record.cells).map(({ session, code }) => ({ session, code })),
  }
}
