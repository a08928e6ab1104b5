import { SeerError } from '../errors.ts'
import type { RunStart } from '../run/run.ts'
import { requireWall } from '../sandbox/local/wall/find-wall.ts'
import type { Confinement } from '../sandbox/local/wall/wall.ts'

/** What a new run says of itself. Throws where nothing confines, unless that was asked for. */
export async function confinementOfRun(unconfined: boolean): Promise<Confinement> {
  if (unconfined) return 'none'
  await requireWall()
  return 'bubblewrap'
}

/**
 * The program that confines a sandbox of this run; undefined for one without a wall. That is chosen by whoever starts the run: by
 * `--unconfined` for `seer run`, in the code for a script. An experiment cannot choose it for those who copy it.
 */
export async function wallOfSandbox(unconfined: boolean, run: Pick<RunStart, 'provider' | 'confinement'>) {
  const isScript = run.provider === 'script'
  const chosen = isScript ? unconfined : run.confinement === 'none'
  if (unconfined && !chosen) {
    throw new SeerError('unconfined-not-typed', {
      message: 'This experiment asks for a sandbox that is not confined, and the run was started without --unconfined.',
      hint: 'Type `--unconfined` with `seer run` if its code may have all your rights on this machine, or take `unconfined` out of the experiment.',
    })
  }
  return chosen ? undefined : requireWall()
}
