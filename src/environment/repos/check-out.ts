/**
 * A repository's files at a commit, in a folder of this machine. The history is that one commit, without an address: an agent sees what it
 * has changed, and finds neither what came later (perhaps the answer) nor a login.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SetupContext } from '../progress.ts'
import type { FetchedRepo } from './fetch-repo.ts'
import { gitFailure } from './git-errors.ts'
import { git } from './git.ts'
import { withMirror } from './mirror.ts'

export interface CheckedOut extends AsyncDisposable {
  readonly folder: string
}

/** Hooks, filters and settings are nobody's, and no link is followed: nothing of the repository is run. */
export async function checkOut(
  { source, commit }: Pick<FetchedRepo, 'source' | 'commit'>,
  /** Where the folder is made. */
  inFolder: string,
  context: SetupContext,
): Promise<CheckedOut> {
  return withMirror(source, context, async (mirror) => {
    const folder = await mkdtemp(join(inFolder, 'repo-'))
    const run = async (...args: string[]) => {
      const result = await git(args, { folder, context, as: 'nobody' })
      if (result.exitCode !== 0) throw gitFailure(source, 'taking the files of', result)
    }
    try {
      await run('init', '--quiet', '--template=')
      // A log of what is done here would name this machine and its user.
      const flags = ['--quiet', '--depth=1', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules']
      await run('fetch', ...flags, mirror.folder, commit)
      const settings = ['core.logAllRefUpdates=false', 'advice.detachedHead=false'].flatMap((setting) => [
        '-c',
        setting,
      ])
      await run(...settings, 'checkout', '--quiet', '--detach', commit)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
    return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
  })
}
