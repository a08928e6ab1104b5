/** Takes away all that there is of a sandbox on this machine. */
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endHost } from './end-host.ts'
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

/** Also where the agent's code has closed a folder to its own user. */
async function removeFolder(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  await remove().catch(async (error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error
    await openFolders(folder)
    await remove()
  })
}

/** No link is followed: a folder that is opened is one that was found in the one above it. */
async function openFolders(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await openFolders(join(folder, entry.name))
}
