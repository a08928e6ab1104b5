/** A file or folder of the researcher into the workspace of a sandbox that runs. */
import { SeerError } from '../../errors.ts'
import type { Run } from '../../run/run.ts'
import type { Machine } from '../../sandbox/backend.ts'
import { noteGivenFiles } from './files-record.ts'
import { localTree } from './local-tree.ts'
import { treesOf } from './machine-trees.ts'
import { summed, type TreeSum } from './tree-sum.ts'

export interface Upload extends TreeSum {
  /** What stayed behind: files of keys (`.env`), and Seer's own folder. */
  readonly leftOut: readonly string[]
}

/** `path` is where the file, or the folder itself, is to lie. */
export async function upload(
  { id, machine, run }: { readonly id: string; readonly machine: Machine; readonly run: Run },
  localPath: string,
  path: string,
  signal: AbortSignal = run.signal,
): Promise<Upload> {
  refuseFolderName(path)
  const leftOut: string[] = []
  const { entries, sum } = summed(localTree(localPath, { signal, onLeftOut: (left) => leftOut.push(left) }))
  await treesOf(machine).put(path, entries)
  const given = { sandbox: id, from: localPath, to: path, ...sum() }
  noteGivenFiles(run, leftOut.length > 0 ? { ...given, leftOut } : given)
  return { ...sum(), leftOut }
}

/** `data/` could mean "into data" as well as "as data". */
export function refuseFolderName(path: string): void {
  if (!path.endsWith('/')) return
  throw new SeerError('invalid-options', {
    message: `"${path}" does not say what the file is to be called there.`,
    hint: 'Give its whole path: `data/table.csv`. For a folder, the path that it is to have, without a slash at its end.',
  })
}
