/** Takes away all that there is of a sandbox on this machine. */
import { endHost } from './end-host.ts'
import { removeFolder } from './remove-folder.ts'
import { removeCgroups } from './wall/cgroups.ts'

interface Remains {
  readonly stateDir: string
  readonly runtimeDir?: string | undefined
  readonly cgroups?: readonly string[] | undefined
}

/** Each step is done whatever became of the one before, and the first that failed is thrown. Last goes what says that there was one. */
export async function removeMachine({ stateDir, runtimeDir, cgroups }: Remains): Promise<void> {
  const problems: unknown[] = []
  const attempt = (step: Promise<void>) => step.catch((error: unknown) => void problems.push(error))
  await attempt(endHost({ stateDir }))
  await attempt(removeCgroups(cgroups ?? []))
  if (runtimeDir !== undefined) await attempt(removeFolder(runtimeDir))
  await attempt(removeFolder(stateDir))
  if (problems.length > 0) throw problems[0]
}
