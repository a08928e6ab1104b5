/** A script has no types where it is run: a plain object in the place of a workspace is said, and not a field of it that is missing. */
import { SeerError } from '../errors.ts'
import { Workspace } from '../workspace/workspace.ts'

export function checkWorkspace(what: string, workspace: unknown): void {
  if (workspace instanceof Workspace) return
  throw new SeerError('invalid-options', {
    message: `${what}: the workspace is not a Workspace.`,
    hint: 'Give `new Workspace()`, or `new Workspace({ libraries: […] })`.',
  })
}
