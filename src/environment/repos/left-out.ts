/** What of a repository a sandbox does not get: told, so that nobody looks for it in vain. */
import type { Mirror } from './mirror.ts'
import type { RepoSource } from './repo-source.ts'

const SHOWN_NAMES = 5
const LFS_POINTER = '^version https://git-lfs.github.com/spec/v'

export async function leftOut(mirror: Mirror, commit: string, { name }: RepoSource): Promise<string[]> {
  const notices: string[] = []
  const submodules = await submodulesOf(mirror, commit)
  if (submodules.length > 0) {
    notices.push(
      `${name} has submodules, which are not taken, so these folders are empty: ${some(submodules)}. ` +
        'Their addresses are chosen by the repository, and would be asked with your login. Name those that are needed in `repos` themselves.',
    )
  }
  const pointers = await names(mirror, ['grep', '-I', '-z', '--name-only', '-e', LFS_POINTER, commit])
  if (pointers.length > 0) {
    notices.push(
      `${name} keeps ${pointers.length === 1 ? '1 file' : `${pointers.length} files`} with git LFS (${some(pointers.map((path) => path.slice(commit.length + 1)))}). ` +
        'Their content is not taken: in the sandbox they are small files that name it. Give what is needed in `localFiles`.',
    )
  }
  return notices
}

/** As links to commits in its tree: mode 160000. */
async function submodulesOf(mirror: Mirror, commit: string): Promise<string[]> {
  const entries = await names(mirror, ['ls-tree', '-r', '-z', '--full-tree', commit])
  return entries.filter((entry) => entry.startsWith('160000 ')).map((entry) => entry.slice(entry.indexOf('\t') + 1))
}

async function names(mirror: Mirror, args: readonly string[]): Promise<string[]> {
  const { stdout } = await mirror.read(args)
  return stdout.split('\0').filter((part) => part !== '')
}

/** As JSON has them: a file's name may hold anything. */
function some(all: readonly string[]): string {
  const shown = all.slice(0, SHOWN_NAMES).map((path) => JSON.stringify(path))
  return all.length > SHOWN_NAMES ? `${shown.join(', ')} and ${all.length - SHOWN_NAMES} more` : shown.join(', ')
}
