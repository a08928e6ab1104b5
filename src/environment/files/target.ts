/** Where files of the researcher may lie in a sandbox. Pure. */
import { normalize } from 'node:path/posix'
import { SeerError } from '../../errors.ts'
import { INSIDE } from '../../sandbox/local/wall/wall.ts'

export interface Target {
  /** `mount`: behind the wall, outside the workspace, read-only. */
  readonly kind: 'workspace' | 'mount'
  /** In the workspace, or from the root. */
  readonly path: string
  /** As it was asked for. */
  readonly asked: string
}

/** Places of the system, and of Seer. More are taken by a Python that lies in a folder of its own; the wall refuses those. */
const TAKEN = '/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /models /opt /proc /run /sbin /sys /tmp /usr'.split(' ')

export function targetOf(asked: string): Target {
  if (asked.includes('\0')) throw badTarget(asked, 'is no path')
  const path = normalize(asked).replace(/(?<=.)\/$/, '')
  if (!path.startsWith('/')) return inWorkspace(path, asked)
  if (isWithin(path, INSIDE.workspace)) return inWorkspace(`.${path.slice(INSIDE.workspace.length)}`, asked)
  const taken = path === '/' ? path : TAKEN.find((place) => isWithin(path, place) || isWithin(place, path))
  if (taken !== undefined) throw badTarget(asked, `is a place of the sandbox's system (${taken})`)
  return { kind: 'mount', path, asked }
}

function inWorkspace(path: string, asked: string): Target {
  if (path === '..' || path.startsWith('../')) throw badTarget(asked, 'leads out of the workspace')
  return { kind: 'workspace', path: normalize(path), asked }
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? folder : `${folder}/`)
}

function badTarget(asked: string, why: string): SeerError {
  return new SeerError('local-file-target', {
    message: `Nothing can be put at ${asked}: it ${why}.`,
    hint: 'Choose a place in the workspace (`/workspace/data`), or a new one (`/data`), which is read-only inside.',
  })
}
