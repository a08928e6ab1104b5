/** Finds what crashed runs left: in the folder of runs, and among the sandboxes on this machine. */
import { basename, resolve } from 'node:path'
import { knownSandboxes } from '../environment/known-sandboxes.ts'
import { removeIfDead, type Removed } from '../environment/remove-dead.ts'
import { describeError } from '../errors.ts'
import { listRuns } from '../run/paths.ts'
import { removeStaleSockets } from '../sandbox/local/stale-sockets.ts'
import { recoverRun, type Recovery } from './recover.ts'

export interface Cleaned {
  readonly recoveries: readonly Recovery[]
  /** Sandboxes without a run that could be given anything of them. */
  readonly removed: readonly Removed[]
  readonly problems: readonly string[]
}

export async function recoverAll(outputDir: string): Promise<Cleaned> {
  const sandboxes = await knownSandboxes()
  const holders = sandboxes.flatMap(({ use }) => ('run' in use ? [use.run] : []))
  const folders = new Set([...listRuns(outputDir).map((name) => resolve(outputDir, name)), ...holders])
  const recoveries: Recovery[] = []
  for (const folder of folders) {
    const recovery = await recoverRun(folder).catch((error: unknown) => failed(folder, error))
    if (recovery) recoveries.push(recovery)
  }
  const removed: Removed[] = []
  const problems: string[] = []
  for (const { id, stateDir } of sandboxes) {
    try {
      const one = await removeIfDead(stateDir)
      if (one) removed.push(one)
    } catch (error) {
      problems.push(`sandbox ${id}: ${describeError(error)}`)
    }
  }
  for (const sandbox of await removeStaleSockets())
    removed.push({ sandbox, run: null, why: 'nothing but its sockets was left' })
  return { recoveries, removed, problems }
}

/** One run that cannot be recovered does not keep the others from it. */
function failed(folder: string, error: unknown): Recovery {
  return { run: basename(folder), folder, recovered: 0, problems: [describeError(error)] }
}
