/** Every byte of a snapshot is read and compared before anything is started with it. */
import { createHash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { openBreath, readPieces } from '../../sandbox/local/read-pieces.ts'
import { blobPath, damaged, openPlain, readRecord } from './read-record.ts'
import type { SnapshotRecord } from './snapshot.ts'

/** Throws `snapshot-damaged` with the name of the first file that is not as it was. */
export async function readVerified(folder: string, signal?: AbortSignal): Promise<SnapshotRecord> {
  const record = readRecord(folder)
  await verify(folder, record, signal)
  return record
}

export async function verify(folder: string, record: SnapshotRecord, signal?: AbortSignal): Promise<void> {
  const checked = new Set<string>()
  const breathe = openBreath()
  for (const entry of record.files) {
    if (entry.kind !== 'file' || checked.has(`${entry.sha256} ${entry.bytes}`)) continue
    await breathe()
    signal?.throwIfAborted()
    const why = await problemOf(blobPath(folder, entry.sha256), entry)
    if (why !== undefined) throw damaged(folder, `the file ${JSON.stringify(entry.path)} ${why}`)
    checked.add(`${entry.sha256} ${entry.bytes}`)
  }
}

async function problemOf(path: string, expected: { bytes: number; sha256: string }): Promise<string | undefined> {
  let file: number
  try {
    file = openPlain(path)
  } catch {
    return 'is missing'
  }
  try {
    const hash = createHash('sha256')
    // One more than it should have: what is longer is noticed, and not read to its end.
    for await (const piece of readPieces(file, expected.bytes + 1)) hash.update(piece)
    return hash.digest('hex') === expected.sha256 ? undefined : 'holds other bytes than were saved'
  } catch {
    return 'cannot be read'
  } finally {
    closeSync(file)
  }
}
