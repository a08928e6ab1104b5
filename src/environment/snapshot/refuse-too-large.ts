/** What a snapshot would take on this machine's disk: many of its files may have the same bytes, which it holds once. */
import { mkdir, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { count, size } from '../../amounts.ts'
import { SeerError } from '../../errors.ts'
import { stateFolder } from '../../run/paths.ts'
import { MAX_BYTES, MAX_ENTRIES } from '../files/limits.ts'
import type { SnapshotRecord } from './snapshot.ts'
import { snapshotsFolder } from './store.ts'

/** Throws `snapshot-too-large`, before anything of it is read. */
export async function refuseTooLarge(folder: string, { id, files }: SnapshotRecord): Promise<void> {
  const bytes = files.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.bytes : 0), 0)
  // Those in Seer's own folder are as large as the researcher let them be.
  const isOwn = dirname(folder) === snapshotsFolder()
  if (!isOwn && (bytes > MAX_BYTES || files.length > MAX_ENTRIES)) {
    throw new SeerError('snapshot-too-large', {
      message: `The snapshot ${id} would be ${count(files.length)} files, folders and links with ${size(bytes)}: more than the ${count(MAX_ENTRIES)} and ${size(MAX_BYTES)} that are taken from elsewhere.`,
      hint: `If you trust whoever made it, move its folder to ${snapshotsFolder()}/${id}.`,
    })
  }
  await mkdir(stateFolder(), { recursive: true, mode: 0o700 })
  const { bavail, bsize } = await statfs(stateFolder())
  if (bytes <= bavail * bsize) return
  throw new SeerError('snapshot-too-large', {
    message: `The files of the snapshot ${id} have ${size(bytes)}, and only ${size(bavail * bsize)} are free on the disk of ${stateFolder()}.`,
    hint: 'Free some space, or set XDG_STATE_HOME to a folder on a larger disk.',
  })
}
