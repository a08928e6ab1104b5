import { createHash } from 'node:crypto'
import { copyFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { SeerError } from '../errors.ts'
import type { Run } from '../run/run.ts'
import type { Machine } from '../sandbox/backend.ts'

/** Where `seer.save` leaves its files in the workspace. */
export const SAVED_FOLDER = '.seer-saved'

/**
 * Copies a file that `seer.save` left in the workspace: to `artifacts/` by hash, so that a later value of the same name does
 * not erase it, and to `results/` by name. A file that is not what the agent's code said it had saved is not taken for it.
 */
export function resultSaver(machine: Pick<Machine, 'readFile'>, run: Pick<Run, 'artifacts' | 'folder' | 'redactor'>) {
  return async (file: string, claimed?: string): Promise<{ sha256: string; bytes: number }> => {
    const saved = await machine.readFile(`${SAVED_FOLDER}/${file}`)
    if (claimed !== undefined && createHash('sha256').update(saved).digest('hex') !== claimed) throw changed(file)
    const bytes = run.redactor.bytes(saved)
    const sha256 = run.artifacts.put(bytes)
    const target = join(run.folder, 'results', file)
    copyFileSync(run.artifacts.path(sha256), `${target}.part`)
    renameSync(`${target}.part`, target)
    return { sha256, bytes: bytes.byteLength }
  }
}

function changed(file: string): SeerError {
  return new SeerError('saved-file-changed', {
    message: `${file} is not any more what was saved: it was saved again, or changed, before it could be copied.`,
  })
}
