/** Control groups for one sandbox, where this user may make them: version 2 where it was delegated, else version 1. */
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HeldBy, Limits } from './limits.ts'

export interface Cgroups {
  readonly folders: readonly string[]
  readonly held: HeldBy
}

const REMOVE_TRIES = 20
const OURS = /^seer-sb-[0-9a-f]+$/
const ABANDONED_MS = 24 * 3600 * 1000

/** Of `/proc/self/mountinfo` and `/proc/self/cgroup`. */
export interface CgroupFiles {
  readonly mounts: string
  readonly own: string
}

export function makeCgroups(name: string, limits: Limits, files: CgroupFiles = readFiles()): Cgroups {
  const { unified, byController } = cgroupFolders(files)
  // In version 2 a group that has groups in it holds no processes itself, so ours is one beside our own; the first group may.
  const parent = unified && (unified.isFirst ? unified.folder : dirname(unified.folder))
  const whole = parent === undefined ? undefined : makeUnified(parent, name, limits)
  if (whole) return whole
  const folders: string[] = []
  const one = (controller: 'memory' | 'pids', file: string, value: number) => {
    const parent = byController.get(controller)
    const made = parent === undefined ? undefined : makeOne(join(parent, name), { [file]: value })
    if (made !== undefined) folders.push(made)
    return made === undefined ? undefined : 'cgroup v1'
  }
  const memory = one('memory', 'memory.limit_in_bytes', limits.memoryBytes)
  const processes = one('pids', 'pids.max', limits.processes)
  return { folders, held: { ...(memory ? { memory } : {}), ...(processes ? { processes } : {}) } }
}

/** Their processes have ended, but the system may need a moment to know. */
export async function removeCgroups(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (let attempt = 0; attempt < REMOVE_TRIES; attempt++) {
      try {
        rmdirSync(folder)
        break
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') break
        await sleep(50)
      }
    }
  }
}

function makeUnified(parent: string, name: string, limits: Limits): Cgroups | undefined {
  try {
    const controllers = readFileSync(join(parent, 'cgroup.subtree_control'), 'utf8').split(/\s+/)
    if (!controllers.includes('memory') || !controllers.includes('pids')) return undefined
    // To move a process needs the right to write to the group above both.
    accessSync(join(parent, 'cgroup.procs'), constants.W_OK)
  } catch {
    return undefined
  }
  const made = makeOne(join(parent, name), { 'memory.max': limits.memoryBytes, 'pids.max': limits.processes })
  return made === undefined ? undefined : { folders: [made], held: { memory: 'cgroup v2', processes: 'cgroup v2' } }
}

function makeOne(folder: string, values: Record<string, number>): string | undefined {
  try {
    removeAbandoned(dirname(folder))
    mkdirSync(folder)
  } catch {
    return undefined
  }
  try {
    for (const [file, value] of Object.entries(values)) writeFileSync(join(folder, file), String(value), { flag: 'r+' })
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK)
    return folder
  } catch {
    rmdirSync(folder)
    return undefined
  }
}

/** Of sandboxes whose Seer and host were both killed, with nothing left to tell of them. A group that is in use cannot be removed. */
function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!OURS.test(name)) continue
    try {
      if (Date.now() - statSync(join(parent, name)).mtimeMs > ABANDONED_MS) rmdirSync(join(parent, name))
    } catch {
      continue
    }
  }
}

/** The folder of this process's own group, in version 2 and for each controller of version 1. */
export function cgroupFolders({ mounts, own }: CgroupFiles) {
  const paths = new Map(
    own.split('\n').flatMap((line): [string, string][] => {
      const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      return path === undefined ? [] : (controllers ?? '').split(',').map((controller) => [controller, path])
    }),
  )
  let unified: { folder: string; isFirst: boolean } | undefined
  const byController = new Map<string, string>()
  for (const line of mounts.split('\n')) {
    const [before, after] = line.split(' - ')
    const [, , , root = '/', place] = before?.split(' ').map(unescaped) ?? []
    const [kind, , options] = after?.split(' ') ?? []
    if (place === undefined) continue
    const folder = (path: string) =>
      resolve(place, `.${path.startsWith(root) ? path.slice(root === '/' ? 0 : root.length) : ''}`)
    if (kind === 'cgroup2')
      unified = { folder: folder(paths.get('') ?? '/'), isFirst: folder(paths.get('') ?? '/') === place }
    if (kind !== 'cgroup') continue
    for (const controller of options?.split(',') ?? []) {
      const path = paths.get(controller)
      if (path !== undefined) byController.set(controller, folder(path))
    }
  }
  return { unified, byController }
}

/** Spaces and others stand as `\040` in the list of mounts. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function readFiles(): CgroupFiles {
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return ''
    }
  }
  return { mounts: read('/proc/self/mountinfo'), own: read('/proc/self/cgroup') }
}
