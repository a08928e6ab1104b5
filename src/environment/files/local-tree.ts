/** A file or folder of the researcher, as entries that can be put into a sandbox. Everything that cannot be is found on the way, by name. */
import { closeSync, constants, lstatSync, openSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { describeError, SeerError } from '../../errors.ts'
import { stateFolder } from '../../run/paths.ts'
import type { TreeEntry } from '../../sandbox/backend.ts'
import { openBreath, readPieces } from '../../sandbox/local/read-pieces.ts'

/** `.env`, `.env.local`, …: Seer reads its own keys from there, and no sandbox is to have them. */
const KEYS = /^\.env(\.(?!example$)|$)/

export function isKeyFile(name: string): boolean {
  return KEYS.test(name)
}

export interface LocalTreeOptions {
  readonly signal?: AbortSignal | undefined
  /** Told of what stays behind: files of keys, and Seer's own folder. */
  readonly onLeftOut?: (path: string) => void
}

/**
 * A folder's first entry is itself, '' by its path. A link in it comes as what it leads to, which must lie in the same folder: what
 * lies elsewhere was not asked for.
 */
export async function* localTree(path: string, options: LocalTreeOptions = {}): AsyncGenerator<TreeEntry, void> {
  const root = realPathOf(path)
  const found = statSync(root)
  const walk = { root, shown: path, state: realStateFolder(), breathe: openBreath(), ...options }
  if (found.isDirectory()) yield* localFolder(walk, root, '', [root])
  else yield localFile(root, '', found)
}

interface Walk extends LocalTreeOptions {
  readonly root: string
  readonly shown: string
  readonly breathe: () => Promise<void>
  /** Seer's own folder, in which the copy is made: it would be copied into itself. */
  readonly state: string
}

/** `way`: the folders on the way here, so that links cannot lead round. */
async function* localFolder(
  walk: Walk,
  folder: string,
  path: string,
  way: readonly string[],
): AsyncGenerator<TreeEntry, void> {
  yield { kind: 'folder', path }
  for (const name of namesIn(folder)) {
    await walk.breathe()
    walk.signal?.throwIfAborted()
    const below = path === '' ? name : `${path}/${name}`
    const place = placeOf(walk, join(folder, name), below)
    if (KEYS.test(name) || KEYS.test(basename(place)) || place === walk.state) {
      walk.onLeftOut?.(below)
      continue
    }
    const found = statSync(place)
    if (!found.isDirectory()) yield localFile(place, below, found)
    else if (way.includes(place)) throw badLink(walk, below, 'leads to a folder that it lies in')
    else yield* localFolder(walk, place, below, [...way, place])
  }
}

/** Where a path really is. */
function placeOf(walk: Walk, path: string, below: string): string {
  if (!lstatSync(path).isSymbolicLink()) return path
  let place: string
  try {
    place = realpathSync(path)
  } catch {
    throw badLink(walk, below, 'leads nowhere')
  }
  if (relative(walk.root, place).split(sep)[0] === '..') throw badLink(walk, below, `leads out of it, to ${place}`)
  return place
}

function localFile(place: string, path: string, found: Stats): TreeEntry {
  if (!found.isFile())
    throw new SeerError('local-file-kind', {
      message: `${place} is neither a file nor a folder, so it cannot be copied into a sandbox.`,
      hint: 'Remove it, or name what is needed one by one.',
    })
  readable(place, () => closeSync(openSync(place, constants.O_RDONLY)))
  const isExecutable = (found.mode & 0o100) !== 0
  return { kind: 'file', path, bytes: found.size, isExecutable, read: () => readLocal(place) }
}

async function* readLocal(place: string): AsyncGenerator<Uint8Array> {
  const file = readable(place, () => openSync(place, constants.O_RDONLY))
  try {
    yield* readPieces(file, Infinity)
  } finally {
    closeSync(file)
  }
}

function namesIn(folder: string): string[] {
  return readable(folder, () => {
    // What lies in it can be reached, too.
    statSync(`${folder}/.`)
    return readdirSync(folder).sort()
  })
}

/** Tried, not asked for: what the system says of leave is not always what it then gives. */
function readable<T>(place: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new SeerError('local-file-unreadable', { message: `${place} cannot be read: ${describeError(cause)}`, cause })
  }
}

function realStateFolder(): string {
  try {
    return realpathSync(stateFolder())
  } catch {
    return stateFolder() // not there yet
  }
}

/** With the links in its own name followed: who names one means what it leads to. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (cause) {
    throw new SeerError('local-file-missing', {
      message: `There is no ${path} on this machine: ${describeError(cause)}`,
      hint: `Relative paths start at the current folder, ${process.cwd()}. In an experiment: join(folder, 'data.csv').`,
      cause,
    })
  }
}

function badLink({ shown }: Walk, path: string, why: string): SeerError {
  return new SeerError('local-file-link', {
    message: `In ${shown}, the link ${path} ${why}.`,
    hint: 'Links are copied as what they lead to, where that lies in the same folder. Put the file there, or name it by itself.',
  })
}
