import { mkdirSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TreeEntry } from '../backend.ts'
import { putInside } from './put-tree.ts'

/** Files for a mount, where a sandbox's code can neither change them nor learn what they are called here. Returns their place. */
export async function keepForMount(sources: string, entries: AsyncIterable<TreeEntry>): Promise<string> {
  const folder = join(sources, 'f')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = randomBytes(8).toString('hex')
  await putInside(folder, name, entries, null)
  return join(folder, name)
}
