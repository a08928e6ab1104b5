import { createHash } from 'node:crypto'
import { copyFileSync, linkSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { size } from '../amounts.ts'
import { SeerError } from '../errors.ts'
import type { Run } from '../run/run.ts'
import type { Machine } from '../sandbox/backend.ts'

/** Where `seer.save` leaves its files in the workspace. */
export const SAVED_FOLDER = '.seer-saved'

/** Of one run. A file with holes costs its sandbox nothing, and here all its bytes. */
const MAX_BYTES = 20 * 1024 ** 3
const takenBy = new WeakMap<object, number>()

type SavedTo = Pick<Run, 'artifacts' | 'folder' | 'redactor'>

/**
 * Copies a file that `seer.save` left in the workspace: to `artifacts/` by hash, so that a later value of the same name does
 * not erase it, and to `results/` by name. A file that is not what the agent's code said it had saved is not taken for it.
 */
export function resultSaver(machine: Pick<Machine, 'readFile'>, run: SavedTo) {
  return async (file: string, claimed?: string): Promise<{ sha256: string; bytes: number }> => {
    const saved = await machine.readFile(`${SAVED_FOLDER}/${file}`)
    if (claimed !== undefined && createHash('sha256').update(saved).digest('hex') !== claimed) throw changed(file)
    const bytes = run.redactor.bytes(saved)
    const sha256 = putWithinBounds(run, bytes)
    const target = join(run.folder, 'results', file)
    linkOrCopy(run.artifacts.path(sha256), `${target}.part`)
    renameSync(`${target}.part`, target)
    // Of two names of one file, renaming leaves both.
    rmSync(`${target}.part`, { force: true })
    return { sha256, bytes: bytes.byteLength }
  }
}

function putWithinBounds({ artifacts, folder }: SavedTo, bytes: Uint8Array): string {
  if (artifacts.has(createHash('sha256').update(bytes).digest('hex'))) return artifacts.put(bytes)
  const taken = takenBy.get(artifacts) ?? 0
  const { bavail, bsize } = statfsSync(folder)
  const most = Math.min(MAX_BYTES, (taken + bavail * bsize) / 2)
  if (taken + bytes.byteLength > most) {
    throw new SeerError('saves-too-large', {
      message: `it has ${size(bytes.byteLength)}, and all that the run saves may have ${size(most)}: 20 GiB, or half of what was free on its disk`,
    })
  }
  const sha256 = artifacts.put(bytes)
  takenBy.set(artifacts, taken + bytes.byteLength)
  return sha256
}

/** Twice on the disk only where its file system knows no second name. */
function linkOrCopy(from: string, to: string): void {
  rmSync(to, { force: true })
  try {
    linkSync(from, to)
  } catch {
    copyFileSync(from, to)
  }
}

function changed(file: string): SeerError {
  return new SeerError('saved-file-changed', {
    message: `${file} is not any more what was saved: it was saved again, or changed, before it could be copied.`,
  })
}
