/** Where snapshots lie: `snapshots/<id>` in the state folder, each whole or not at all. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { SeerError } from '../../errors.ts'
import { stateFolder } from '../../run/paths.ts'
import { isProcessAlive } from '../lock.ts'
import { readRecord } from './read-record.ts'
import { idSchema, SNAPSHOT_FILE, type SnapshotRecord } from './snapshot.ts'

const UNFINISHED = '.unfinished-'

export function snapshotsFolder(): string {
  return join(stateFolder(), 'snapshots')
}

export interface ListedSnapshot {
  readonly id: string
  readonly path: string
  readonly record: SnapshotRecord | undefined
  /** Why it has no record. */
  readonly problem: string | undefined
}

/** Newest first; those that cannot be read stand last. */
export function listSnapshots(): ListedSnapshot[] {
  const all = idsIn(snapshotsFolder()).map((id): ListedSnapshot => {
    const path = join(snapshotsFolder(), id)
    try {
      return { id, path, record: readRecord(path), problem: undefined }
    } catch (error) {
      return { id, path, record: undefined, problem: error instanceof Error ? error.message : String(error) }
    }
  })
  const at = ({ record }: ListedSnapshot) => record?.createdAt ?? ''
  return all.sort((one, two) => (at(one) < at(two) ? 1 : -1))
}

/** The folder of a snapshot by its id, the path of a folder, or its name. A name that several have is an error. */
export function findSnapshot(which: string): string {
  if (idSchema.safeParse(which).success && existsSync(join(snapshotsFolder(), which)))
    return join(snapshotsFolder(), which)
  if (which.includes('/') && existsSync(join(which, SNAPSHOT_FILE))) return resolve(which)
  const all = listSnapshots()
  const found = all.filter(({ record }) => record?.name === which)
  if (found.length === 1) return found[0]!.path
  if (found.length > 1) {
    throw new SeerError('snapshot-ambiguous', {
      message: `${found.length} snapshots have the name "${which}".`,
      hint: `Give the id, newest first: ${found.map(({ id, record }) => `${id} (${record?.createdAt})`).join(', ')}.`,
    })
  }
  throw new SeerError('snapshot-unknown', {
    message: `There is no snapshot "${which}" in ${snapshotsFolder()}.`,
    hint: 'A snapshot is named by its id, its name or its folder. `seer snapshots` lists them.',
  })
}

/** Gone for everyone at once, then from the disk. */
export function removeSnapshot(which: string): string {
  const folder = findSnapshot(which)
  if (dirname(folder) !== snapshotsFolder()) {
    throw new SeerError('snapshot-unknown', {
      message: `${folder} is not among the snapshots of this user.`,
      hint: 'Remove the folder yourself.',
    })
  }
  const aside = unfinishedFolder()
  renameSync(folder, aside)
  rmSync(aside, { recursive: true, force: true })
  removeUnfinished()
  return basename(folder)
}

/** A place beside the snapshots, for one that is being made or removed. */
export function unfinishedFolder(): string {
  const mine = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`
  return join(snapshotsFolder(), `${UNFINISHED}${mine}`)
}

/** What processes of this machine that no longer live have left half done. */
export function removeUnfinished(): void {
  const prefix = `${UNFINISHED}${hostname()}-`
  for (const name of readdirSync(snapshotsFolder())) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(name.slice(prefix.length).split('-')[0])
    if (!isProcessAlive(pid)) rmSync(join(snapshotsFolder(), name), { recursive: true, force: true })
  }
}

function idsIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => idSchema.safeParse(name).success)
}
