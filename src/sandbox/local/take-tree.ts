/** All that lies at a path of a workspace, while the agent's code may change it: bounded in depth, each folder held by itself. */
import { isUtf8 } from 'node:buffer'
import { closeSync, fstatSync, lstatSync, opendirSync, openSync, readlinkSync } from 'node:fs'
import type { BigIntStats, Dir } from 'node:fs'
import { SeerError } from '../../errors.ts'
import type { TreeEntry } from '../backend.ts'
import { codeOf, entryOf, fileMissing, holdAt, holdBelow, outside, partsOf, type HeldFolder } from './held-folder.ts'
import { openBreath, readPieces } from './read-pieces.ts'
import { AS_PLAIN_FILE } from './workspace-files.ts'

/** Each level holds two descriptors, and what lies deeper cannot be named on many systems. */
const MAX_DEPTH = 100
const MAX_PATH_BYTES = 2048
const NAMES_AT_ONCE = 256

export async function* takeInside(
  workspace: string,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<TreeEntry, void> {
  const parts = partsOf(path)
  const name = parts.pop()
  if (name === undefined) return yield* takeBelow(holdAt(workspace, [], path), signal)
  using parent = holdAt(workspace, parts, path)
  const entry = entryAt(parent, Buffer.from(name), '')
  if (entry?.kind === 'folder') yield* takeBelow(holdBelow(parent, name, path), signal)
  else if (entry?.kind === 'file') yield entry
  else if (entry?.kind === 'link') throw outside(path)
  else if (entry) throw new SeerError('file-missing', { message: `${path} cannot be taken: ${entry.why}.` })
  else throw fileMissing(path)
}

interface Level extends Disposable {
  readonly folder: HeldFolder
  readonly names: Dir
  /** Of what is in it: '' or `a/b/`. */
  readonly prefix: string
}

/** Depth first, so that few folders are held. Lets go of `folder` at its end. */
async function* takeBelow(folder: HeldFolder, signal: AbortSignal | undefined): AsyncGenerator<TreeEntry, void> {
  const breathe = openBreath()
  const levels = [levelOf(folder, '')]
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      await breathe()
      signal?.throwIfAborted()
      const found = level.names.readSync()
      if (found === null) {
        levels.pop()![Symbol.dispose]()
        continue
      }
      const name = found.name as unknown as Buffer
      const entry = entryAt(level.folder, name, level.prefix + name.toString(), levels.length)
      if (entry === undefined) continue // it has gone
      const below = entry.kind === 'folder' ? levelBelow(level, name.toString(), entry.path) : undefined
      if (below) levels.push(below)
      if (entry.kind !== 'folder' || below) yield entry
      else yield { kind: 'other', path: entry.path, why: 'the folder cannot be opened' }
    }
  } finally {
    for (const level of levels) level[Symbol.dispose]()
  }
}

function levelBelow(level: Level, name: string, path: string): Level | undefined {
  try {
    return levelOf(holdBelow(level.folder, name, path), `${path}/`)
  } catch (error) {
    if (['EMFILE', 'ENFILE'].includes(String(codeOf(error)))) throw error
    return undefined // it became something else, or nobody may read it
  }
}

function levelOf(folder: HeldFolder, prefix: string): Level {
  try {
    const names = opendirSync(folder.path, { encoding: 'buffer' as BufferEncoding, bufferSize: NAMES_AT_ONCE })
    const dispose = () => {
      names.closeSync()
      folder[Symbol.dispose]()
    }
    return { folder, names, prefix, [Symbol.dispose]: dispose }
  } catch (error) {
    folder[Symbol.dispose]()
    throw error
  }
}

/** Undefined for what is not there any more. */
function entryAt(folder: HeldFolder, name: Buffer, path: string, depth = 0): TreeEntry | undefined {
  const place = entryOf(folder, name)
  const found = orUndefined(() => lstatSync(place))
  if (found === undefined) return undefined
  const other = (why: string): TreeEntry => ({ kind: 'other', path, why })
  if (!isUtf8(name)) return other('its name is not text')
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return other(`its path is longer than ${MAX_PATH_BYTES} bytes`)
  if (found.isDirectory())
    return depth < MAX_DEPTH ? { kind: 'folder', path } : other(`it lies deeper than ${MAX_DEPTH} folders`)
  if (found.isFile()) {
    const isExecutable = (found.mode & 0o100) !== 0
    return { kind: 'file', path, bytes: found.size, isExecutable, read: () => readPlain(folder, name, path) }
  }
  if (!found.isSymbolicLink())
    return other(found.isFIFO() ? 'it is a pipe' : found.isSocket() ? 'it is a socket' : 'it is a device')
  const target = orUndefined(() => readlinkSync(place, 'buffer'))
  if (target === undefined) return undefined
  return isUtf8(target)
    ? { kind: 'link', path, target: target.toString() }
    : other('it is a link to a name that is not text')
}

async function* readPlain(folder: HeldFolder, name: Buffer, path: string): AsyncGenerator<Uint8Array> {
  const file = openPlain(entryOf(folder, name), path)
  try {
    const before = fstatSync(file, { bigint: true })
    if (!before.isFile()) throw fileMissing(path)
    // Not until its end: a file may grow as fast as it is read.
    yield* readPieces(file, Number(before.size))
    if (hasChanged(before, fstatSync(file, { bigint: true })))
      throw new SeerError('file-changed', { message: `${path} was changed while it was read.` })
  } finally {
    closeSync(file)
  }
}

function openPlain(place: Buffer, path: string): number {
  try {
    return openSync(place, AS_PLAIN_FILE)
  } catch (cause) {
    throw fileMissing(path, cause)
  }
}

/** The time of a change, unlike that of the last writing, cannot be set. */
function hasChanged(before: BigIntStats, after: BigIntStats): boolean {
  return after.ctimeNs !== before.ctimeNs || after.size !== before.size
}

function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
