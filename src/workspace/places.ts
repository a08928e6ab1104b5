/** Where a workspace's own files may lie. */
import { realPathOf } from '../environment/files/local-tree.ts'
import { isWithin, targetOf } from '../environment/files/target.ts'
import { SeerError } from '../errors.ts'

export const LIBRARIES_FOLDER = 'libraries'
export const SKILLS_FOLDER = '.claude/skills'

/** Throws for what is not on this machine, and for a place that is not a workspace's to fill. */
export function checkPlaces(places: readonly (readonly [string, string])[]): void {
  for (const [from, to] of places) {
    realPathOf(from)
    const { kind, path } = targetOf(to)
    if (kind === 'mount') {
      throw new SeerError('local-file-target', {
        message: `Nothing of a workspace can be put at ${to}: its sandbox runs already.`,
        hint: 'Choose a place in the workspace (`/workspace/data`), or name it in `localFiles` or `localDirs` of the sandbox.',
      })
    }
    const own = [LIBRARIES_FOLDER, SKILLS_FOLDER].find((folder) => isWithin(path, folder))
    if (own === undefined) continue
    throw new SeerError('local-file-target', {
      message: `Nothing can be put at ${to}: the workspace's ${own === SKILLS_FOLDER ? 'skills' : 'libraries'} lie there.`,
      hint: own === SKILLS_FOLDER ? 'Name it in `skillDirs`.' : 'Use Library.fromFile or Library.fromDirectory.',
    })
  }
}
