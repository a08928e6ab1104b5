/** Puts a snapshot's files into the workspace of a sandbox of which nothing runs yet. */
import { closeSync } from 'node:fs'
import type { Machine, TreeEntry } from '../../sandbox/backend.ts'
import { readPieces } from '../../sandbox/local/read-pieces.ts'
import { treesOf } from '../files/machine-trees.ts'
import { isOwnFile } from './own-files.ts'
import { blobPath, damaged, openPlain } from './read-record.ts'
import type { SnapshotRecord } from './snapshot.ts'

export async function restoreFiles(machine: Machine, folder: string, { files }: SnapshotRecord): Promise<void> {
  await treesOf(machine).put(
    '.',
    // Somebody else's may name what Seer reads as its own.
    files
      .filter(({ path }) => !isOwnFile(path))
      .map((entry): TreeEntry => (entry.kind === 'file' ? { ...entry, read: () => readBlob(folder, entry) } : entry)),
  )
}

async function* readBlob(
  folder: string,
  { sha256, bytes }: { sha256: string; bytes: number },
): AsyncGenerator<Uint8Array> {
  const file = openBlob(folder, sha256)
  try {
    yield* readPieces(file, bytes)
  } finally {
    closeSync(file)
  }
}

/** They were there when all of them were checked. */
function openBlob(folder: string, sha256: string): number {
  try {
    return openPlain(blobPath(folder, sha256))
  } catch (cause) {
    throw damaged(folder, 'it was removed, or changed, while a sandbox was started with it', cause)
  }
}
