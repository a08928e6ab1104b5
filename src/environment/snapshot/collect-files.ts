/** Everything in a workspace that belongs into a snapshot, stored, within limits. */
import { count, size } from '../../amounts.ts'
import { SeerError } from '../../errors.ts'
import type { Redactor } from '../../run/redactor.ts'
import type { MachineTrees, TreeEntry } from '../../sandbox/backend.ts'
import { isOwnFile } from './own-files.ts'
import type { SnapshotEntry } from './snapshot.ts'
import { storeFile, type Storing } from './store-file.ts'

export interface Collecting extends Storing {
  readonly redactor: Redactor
  /** Modules that Seer put into `libraries`. */
  readonly libraries: readonly string[]
  readonly maxBytes: number
  readonly maxFiles: number
  readonly signal: AbortSignal
}

export interface Collected {
  readonly files: SnapshotEntry[]
  readonly skipped: { path: string; why: string }[]
  readonly bytes: number
}

export async function collectFiles(trees: MachineTrees, collecting: Collecting): Promise<Collected> {
  const { signal, maxBytes, maxFiles } = collecting
  const libraries = collecting.libraries.map((name) => `libraries/${name}.py`)
  // By path: a folder that is changed while it is read may tell the same name twice.
  const files = new Map<string, SnapshotEntry>()
  const skipped: Collected['skipped'] = []
  let bytes = 0
  for await (const entry of trees.take('.', { signal })) {
    if (isOwnFile(entry.path, libraries)) continue
    if (files.size + skipped.length >= maxFiles) throw tooMany(maxFiles)
    if (entry.kind === 'file' && (bytes += entry.bytes) > maxBytes) throw tooLarge(maxBytes)
    const stored = await store(entry, collecting)
    if ('why' in stored) skipped.push({ path: collecting.redactor.text(entry.path), why: stored.why })
    else files.set(entry.path, stored)
  }
  const inOrder = [...files.values()].sort((one, two) => (one.path < two.path ? -1 : 1))
  return {
    files: inOrder,
    skipped,
    bytes: inOrder.reduce((sum, entry) => sum + ('bytes' in entry ? entry.bytes : 0), 0),
  }
}

async function store(entry: TreeEntry, { redactor, ...storing }: Collecting): Promise<SnapshotEntry | { why: string }> {
  if (entry.kind === 'other') return { why: entry.why }
  if (redactor.text(entry.path) !== entry.path) return { why: 'its name holds a secret' }
  if (entry.kind === 'folder') return entry
  if (entry.kind === 'link')
    return redactor.text(entry.target) === entry.target ? entry : { why: 'it leads to a secret' }
  try {
    return await storeFile(entry, { redactor, ...storing })
  } catch (error) {
    if (error instanceof SeerError && error.code === 'file-missing')
      return { why: 'it was gone, or could not be read, when it was to be read' }
    throw error
  }
}

function tooMany(max: number): SeerError {
  return new SeerError('snapshot-too-large', {
    message: `The workspace has more than ${count(max)} files, folders and links, so no snapshot was made.`,
    hint: 'Have what is not needed removed, or give `maxFiles`.',
  })
}

function tooLarge(max: number): SeerError {
  return new SeerError('snapshot-too-large', {
    message: `The files in the workspace have more than ${size(max)}, so no snapshot was made.`,
    hint: 'Have what is not needed removed, or give `maxBytes`.',
  })
}
