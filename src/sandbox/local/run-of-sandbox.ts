/**
 * Which run a sandbox belongs to: a file with the run's folder in the sandbox's own, from the first moment on, so that recovery never
 * meets a sandbox without its run. One that was let go has no such file.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'run-folder'

export function readRunOf(stateDir: string): string | undefined {
  try {
    return readFileSync(join(stateDir, FILE), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/** At once: there is never a part of it. */
export function writeRunOf(stateDir: string, runFolder: string): void {
  const part = join(stateDir, `.${FILE}-${randomBytes(4).toString('hex')}`)
  writeFileSync(part, `${runFolder}\n`, { mode: 0o600 })
  renameSync(part, join(stateDir, FILE))
}

export function removeRunOf(stateDir: string): void {
  rmSync(join(stateDir, FILE), { force: true })
}
