/** Repositories into the workspace, before any of the agent's code runs there. */
import { z } from 'zod'
import type { Run } from '../../run/run.ts'
import type { Layout, Machine, TreeEntry } from '../../sandbox/backend.ts'
import { takeInside } from '../../sandbox/local/take-tree.ts'
import { treesOf } from '../files/machine-trees.ts'
import { startStep, type SetupContext } from '../progress.ts'
import { checkOut } from './check-out.ts'
import type { FetchedRepo } from './fetch-repo.ts'

export const repoHandleSchema = z.object({
  name: z.string(),
  /** Without a login; of a folder its own name. */
  url: z.string(),
  /** As it was asked for, or the repository's own branch. */
  ref: z.string(),
  commit: z.string(),
  /** Its folder, as the sandbox's code sees it. */
  path: z.string(),
  /** It had an `install` command, which ran. */
  isInstalled: z.boolean(),
})
/** A repository in a sandbox. */
export type RepoHandle = Readonly<z.infer<typeof repoHandleSchema>>

export interface PlacedRepo {
  readonly handle: RepoHandle
  /** A command that is still to be run in it. */
  readonly install: string | undefined
  readonly notices: readonly string[]
}

interface Place {
  readonly machine: Machine
  readonly layout: Pick<Layout, 'stateDir' | 'workspaceInside'>
  /** Paths in the workspace that a snapshot will bring. */
  readonly fromSnapshot: readonly { readonly path: string }[]
}

/** What comes with a snapshot is the agent's work: it stays as it is there, and was installed before. */
export async function placeRepos(
  repos: readonly FetchedRepo[],
  { machine, layout, fromSnapshot }: Place,
  context: SetupContext,
): Promise<PlacedRepo[]> {
  const placed: PlacedRepo[] = []
  for (const repo of repos) {
    const { name, shown: url } = repo.source
    const { ref, commit, install } = repo
    const path = `${layout.workspaceInside}/${name}`
    const handle = { name, url, ref, commit, path, isInstalled: install !== undefined }
    if (fromSnapshot.some((entry) => entry.path === name)) {
      const kept = `${name} comes with the snapshot, so it is as it was there, and not taken at ${commit.slice(0, 12)} again.`
      placed.push({ handle, install: undefined, notices: [kept] })
      continue
    }
    const notices = [...repo.notices]
    const step = startStep(context, `repository ${name}`)
    step.update('copying its files')
    await using files = await checkOut(repo, layout.stateDir, context)
    const entries = withoutOther(takeInside(files.folder, '', context.signal), name, notices)
    await treesOf(machine).put(name, entries)
    step.done(`in ${path}`)
    placed.push({ handle, install, notices })
  }
  return placed
}

async function* withoutOther(entries: AsyncIterable<TreeEntry>, name: string, notices: string[]) {
  // A repository without a file is a folder still.
  yield { kind: 'folder', path: '' } as const
  for await (const entry of entries) {
    if (entry.kind !== 'other') yield entry
    else notices.push(`${name}: ${JSON.stringify(entry.path)} is not taken: ${entry.why}.`)
  }
}

export function tellLeftOut(run: Run, sandbox: string, placed: readonly PlacedRepo[]): void {
  for (const text of placed.flatMap(({ notices }) => notices))
    run.emit({ type: 'notice-add', by: 'system', sandbox, level: 'warning', code: 'repo-not-whole', text })
}
