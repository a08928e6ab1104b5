/** How an experiment names a git repository that its sandbox begins with. */
import { z } from 'zod'

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
