/**
 * What is written down of a sandbox, for a later process. It may come from a run's folder that somebody handed over, or that the agent's
 * code made: so it can name nothing but the places in which this user's sandboxes lie. What it names is ended, and removed.
 */
import { lstatSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'
import { z } from 'zod'
import { isOwnFolder } from '../../run/own-folder.ts'
import { rootsFor } from '../../run/socket-path.ts'
import { sandboxFolder } from './sandbox-folder.ts'

const attachSchema = z.object({
  id: z.string().regex(/^sb-[0-9a-f]+$/),
  stateDir: z.string(),
  runtimeDir: z.string(),
  /** Of a confined sandbox: the folder, of a random name, in which the sources of its mounts lie. */
  sources: z.string().optional(),
  cgroups: z.array(z.string()).optional(),
})
export type LocalAttach = z.infer<typeof attachSchema>

/** Undefined where it is no sandbox of this user's, here. One that has ended is: its folders are gone. */
export function checkedAttach(said: unknown): LocalAttach | undefined {
  const parsed = attachSchema.safeParse(said)
  if (!parsed.success) return undefined
  const { id, stateDir, runtimeDir, sources, cgroups = [] } = parsed.data
  const isIts =
    stateDir === sandboxFolder(id) &&
    isOwnOrGone(stateDir) &&
    socketFoldersOf(id).includes(runtimeDir) &&
    isOwnOrGone(runtimeDir) &&
    (sources === undefined || (dirname(sources) === stateDir && /^[0-9a-f]{32}$/.test(basename(sources)))) &&
    cgroups.every((path) => isAbsolute(path) && normalize(path) === path && basename(path) === `seer-${id}`)
  return isIts ? parsed.data : undefined
}

/** Another login of the same user may have no XDG_RUNTIME_DIR; there its folder is this one. */
function socketFoldersOf(id: string): string[] {
  const { uid } = userInfo()
  return [...rootsFor(process.env), `/run/user/${uid}/seer`].map((root) => join(root, id))
}

function isOwnOrGone(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined || isOwnFolder(path)
}
