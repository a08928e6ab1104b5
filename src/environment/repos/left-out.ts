/** What of a repository a sandbox does not get: told, so that nobody looks for it in vain. */
import type { Mirror } from './mirror.ts'
import type { RepoSource } from './repo-source.ts'
import { SHOWN_NAMES, type Tree } from './tree.ts'

const LFS_POINTER = '^version https://git-lfs.github.com/spec/v'

export async function leftOut(
  mirror: Mirror,
  commit: string,
  { name }: RepoSource,
  { submodules }: Pick<Tree, 'submodules'>,
): Promise<string[]> {
  const notices: string[] = []
  if (submodules.count > 0) {
    notices.push(
      `${name} has submodules, which are not taken, so these folders are empty: ${some(submodules.names, submodules.count)}. ` +
        'Their addresses are chosen by the repository, and would be asked with your login. Name those that are needed in `repos` themselves.',
    )
  }
  const pointers = await names(mirror, ['grep', '-I', '-z', '--name-only', '-e', LFS_POINTER, commit])
  if (pointers.length > 0) {
    const shown = pointers.slice(0, SHOWN_NAMES).map((path) => path.slice(commit.length + 1))
    notices.push(
      `${name} keeps ${pointers.length === 1 ? '1 file' : `${pointers.length} files`} with git LFS (${some(shown, pointers.length)}). ` +
        'Their content is not taken: in the sandbox they are small files that name it. Give what is needed in `localFiles`.',
    )
  }
  return notices
}

async function names(mirror: Mirror, args: readonly string[]): Promise<string[]> {
  const { stdout } = await mirror.read(args)
  return stdout.split('\0').filter((part) => part !== '')
}

/** As JSON has them: a file's name may hold anything. */
function some(names: readonly string[], all: number): string {
  const shown = names.map((path) => JSON.stringify(path)).join(', ')
  return all > names.length ? `${shown} and ${all - names.length} more` : shown
}
