/** Removes a folder that the agent's code filled, however deep it is and whatever is closed in it. */
import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { entryOf, holdBelow, holdRoot, type HeldFolder } from './held-folder.ts'

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => removeFlat(folder))
}

/** A path has a length that a tree need not keep to: so each folder in it is moved up to the top, and emptied there. */
function removeFlat(folder: string): void {
  if (!lstatSync(folder, { throwIfNoEntry: false })) return
  using above = holdRoot(dirname(folder))
  const name = basename(folder)
  chmodSync(entryOf(above, name), 0o700)
  {
    using top = holdBelow(above, name, folder)
    const waiting = emptyInto(top, top)
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      {
        using inner = holdBelow(top, next, folder)
        waiting.push(...emptyInto(top, inner))
      }
      rmdirSync(entryOf(top, next))
    }
  }
  rmdirSync(entryOf(above, name))
}

/** Returns the new names, in `top`, of the folders that were in it. */
function emptyInto(top: HeldFolder, folder: HeldFolder): string[] {
  const moved: string[] = []
  for (const entry of readdirSync(folder.path, { withFileTypes: true, encoding: 'buffer' })) {
    const path = entryOf(folder, entry.name)
    if (entry.isDirectory()) {
      const name = `.removed-${randomBytes(8).toString('hex')}`
      // One that is closed to its own user cannot be moved to another folder.
      chmodSync(path, 0o700)
      renameSync(path, entryOf(top, name))
      moved.push(name)
    } else unlinkSync(path)
  }
  return moved
}
