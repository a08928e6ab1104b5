/** Folders with the sockets of sandboxes that are no more: their state folder was removed by hand, or their start was killed. */
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { rootsFor } from '../../run/socket-path.ts'
import { sandboxFolder } from './sandbox-folder.ts'

const SANDBOX = /^sb-[0-9a-f]+$/
/** From the making of the folder until its host listens passes less. */
const STALE_AFTER_MS = 10 * 60_000

/** Removes them, and returns their ids. Those of a sandbox with another state folder are told apart by its host, which listens. */
export async function removeStaleSockets(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const removed: string[] = []
  for (const root of new Set(rootsFor(env))) {
    for (const id of namesIn(root)) {
      const folder = join(root, id)
      if (existsSync(sandboxFolder(id)) || !isOldAndOwn(folder) || (await listens(join(folder, 'host.sock')))) continue
      await rm(folder, { recursive: true, force: true })
      removed.push(id)
    }
  }
  return removed
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root).filter((name) => SANDBOX.test(name))
  } catch {
    return []
  }
}

function isOldAndOwn(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return (
    found !== undefined &&
    found.isDirectory() &&
    found.uid === userInfo().uid &&
    Date.now() - found.mtimeMs > STALE_AFTER_MS
  )
}

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket, () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
