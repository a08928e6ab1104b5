/** Puts a configuration's files where its sandbox will find them, before anything of it runs. */
import type { Run } from '../../run/run.ts'
import type { Machine, TreeEntry } from '../../sandbox/backend.ts'
import { noteGivenFiles } from './files-record.ts'
import type { LocalPlace } from './local-places.ts'
import { localTree } from './local-tree.ts'
import { treesOf } from './machine-trees.ts'
import { summed } from './tree-sum.ts'

interface Given {
  readonly id: string
  readonly machine: Machine
  readonly run: Run
  /** Keeps files where the sandbox's code cannot change them, to be mounted. Absent without a wall. */
  readonly keep: ((entries: AsyncIterable<TreeEntry>) => Promise<string>) | undefined
  readonly signal: AbortSignal
}

/** Returns what is to be mounted: where it is kept, and where it is to be seen. */
export async function placeLocalFiles(
  places: readonly LocalPlace[],
  { id, machine, run, keep, signal }: Given,
): Promise<{ source: string; target: string }[]> {
  const mounts: { source: string; target: string }[] = []
  for (const { from, target } of places) {
    const leftOut: string[] = []
    const { entries, sum } = summed(localTree(from, { signal, onLeftOut: (path) => leftOut.push(path) }))
    if (target.kind === 'workspace' || !keep) await treesOf(machine).put(target.path, entries)
    else mounts.push({ source: await keep(entries), target: target.path })
    const given = { sandbox: id, from, to: target.asked, ...sum() }
    noteGivenFiles(run, leftOut.length > 0 ? { ...given, leftOut } : given)
  }
  return mounts
}
