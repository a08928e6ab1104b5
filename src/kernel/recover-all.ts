/** Finds what crashed runs left: in the folder of runs, and among the sandboxes on this machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { describeError } from '../errors.ts'
import { readLock } from '../run/lock.ts'
import { listRuns, stateFolder } from '../run/paths.ts'
import { endHost } from '../sandbox/local/end-host.ts'
import { OWNER_FILE } from '../sandbox/local/local.ts'
import { recoverRun, type Recovery } from './recover.ts'

export async function recoverAll(outputDir: string): Promise<Recovery[]> {
  const sandboxes = sandboxFolders()
  const owners = sandboxes.map(({ owner }) => owner).filter((owner) => owner !== undefined)
  const folders = new Set([...listRuns(outputDir).map((name) => resolve(outputDir, name)), ...owners])
  const recoveries: Recovery[] = []
  for (const folder of folders) {
    const recovery = await recoverRun(folder).catch((error: unknown) => failed(folder, error))
    if (recovery) recoveries.push(recovery)
  }
  for (const { stateDir, owner } of sandboxes) await removeOrphan(stateDir, owner)
  return recoveries
}

/** One run that cannot be recovered does not keep the others from it. */
function failed(folder: string, error: unknown): Recovery {
  return { run: basename(folder), folder, recovered: 0, problems: [describeError(error)] }
}

/** A sandbox whose run has ended or is gone, and that is nevertheless still there. */
async function removeOrphan(stateDir: string, owner: string | undefined): Promise<void> {
  if (owner === undefined || !existsSync(stateDir)) return
  const lock = readLock(owner)
  // Alive, or dead and not recovered (its problems were told): not ours to remove.
  if (lock !== undefined && existsSync(owner)) return
  await endHost({ stateDir })
  await rm(stateDir, { recursive: true, force: true })
}

function sandboxFolders(): { stateDir: string; owner: string | undefined }[] {
  const root = join(stateFolder(), 'sandboxes')
  if (!existsSync(root)) return []
  return readdirSync(root).map((name) => ({ stateDir: join(root, name), owner: ownerOf(join(root, name)) }))
}

function ownerOf(stateDir: string): string | undefined {
  try {
    return readFileSync(join(stateDir, OWNER_FILE), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
