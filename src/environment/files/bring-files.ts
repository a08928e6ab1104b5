/** What a sandbox's code finds besides packages and models: a snapshot's files, then those of its configuration. */
import { interpreterMounts } from '../../sandbox/local/wall/interpreter.ts'
import { SeerError } from '../../errors.ts'
import type { Run } from '../../run/run.ts'
import type { StartedLocalMachine } from '../../sandbox/local/local.ts'
import type { OpenedSnapshot } from '../snapshot/open-snapshot.ts'
import { restoreFiles } from '../snapshot/restore.ts'
import type { LocalPlace } from './local-places.ts'
import { placeLocalFiles } from './place-local-files.ts'
import { isWithin } from './target.ts'

interface Wanted {
  readonly places: readonly LocalPlace[]
  readonly from: OpenedSnapshot | undefined
}

interface Where {
  readonly run: Run
  readonly local: Pick<StartedLocalMachine, 'machine' | 'keepForMount'>
  /** The sandbox's own interpreter, as it lies on the machine. */
  readonly python: string
  readonly signal: AbortSignal
}

/** What the configuration names lies there as it is on this machine, whatever a snapshot has in its place. Returns what is to be mounted. */
export async function bringFiles({ places, from }: Wanted, { run, local, python, signal }: Where) {
  const { machine, keepForMount: keep } = local
  for (const { target } of places) if (target.kind === 'mount') refuseInterpreter(target.path, python)
  if (from) await restoreFiles(machine, from.folder, from.record)
  return placeLocalFiles(places, { id: machine.id, machine, run, keep, signal })
}

/** A Python that does not lie in /usr is seen inside at its own place. */
function refuseInterpreter(path: string, python: string): void {
  const taken = interpreterMounts(python).find(({ target }) => isWithin(path, target) || isWithin(target, path))
  if (!taken) return
  throw new SeerError('local-file-target', {
    message: `Nothing can be put at ${path}: the sandbox's Python lies there, in ${taken.target}.`,
    hint: 'Choose a place in the workspace (`/workspace/data`), or another one (`/data`).',
  })
}
