/** How an experiment names a git repository that its sandbox begins with. */
import { z } from 'zod'
import { SeerError } from '../../errors.ts'
import { sourceOfRepo } from './repo-source.ts'

export const repoConfigSchema = z.strictObject({
  /** Anything that git clones, or `user/repo` of GitHub. */
  url: z.string().min(1),
  /** A branch, tag or commit; by default the repository's own. The commit that was taken is recorded. */
  ref: z.string().optional(),
  /** A shell command that is run in it, behind the wall, before any session: `pip install -e .`. */
  install: z.string().optional(),
  /** Of the framework that Seer replaces; refused, with the reason. */
  dockerfile: z.string().optional(),
})
export type RepoConfig = z.input<typeof repoConfigSchema>
export type ParsedRepoConfig = z.output<typeof repoConfigSchema>

/** In the workspace these names are Seer's own. */
const TAKEN_NAMES = new Set(['libraries'])

/** Git's own rules for names, less those that could be read as an option or as an expression. */
const refName = /^(?![-/.])(?!.*(\.\.|\/\/|\/\.|@\{|\.lock(\/|$)))[^\s~^:?*[\\\p{Cc}]+(?<![/.])$/u

/** Throws for what no sandbox can honour. Nothing is asked of git or of a network. */
export function checkRepos(repos: readonly ParsedRepoConfig[]): void {
  const places = new Map<string, string>()
  repos.forEach((repo, i) => {
    const at = `repos.${i}`
    const { name } = sourceOfRepo(repo.url, at)
    if (repo.dockerfile !== undefined) {
      throw new SeerError('capability-missing', {
        message: `${at}.dockerfile: a sandbox on this machine is not a container, so ${repo.dockerfile} cannot be built for ${name}.`,
        hint: 'Name what its image holds in `pythonPackages`, install the rest in `install`, and take `dockerfile` out.',
      })
    }
    if (repo.ref !== undefined && !refName.test(repo.ref)) {
      throw new SeerError('repo-ref', {
        message: `${at}.ref: ${JSON.stringify(repo.ref)} is no name of a branch, a tag or a commit.`,
      })
    }
    if (repo.install?.trim() === '' || repo.install?.includes('\0')) {
      throw new SeerError('invalid-options', { message: `${at}.install: is no command.` })
    }
    const other = places.get(name)
    if (other !== undefined || TAKEN_NAMES.has(name)) {
      throw new SeerError('repo-name', {
        message: `${at}: ${name} would lie in /workspace/${name}, and so ${other === undefined ? 'do files of Seer' : `does ${other}`}.`,
        hint: 'A repository lies in a folder that is named as it is; two of one name cannot be in one sandbox.',
      })
    }
    places.set(name, at)
  })
}
