/**
 * Folders of a workspace, from outside. Whatever lies in one was put there by the agent's code and may change at any moment, so no link
 * is followed and each folder is held by itself, not by its name, while the next one is looked up in it.
 *
 * The calls are synchronous: a tree has tens of thousands of files, and Node's other calls take ten times as long for each.
 */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  type PathLike,
} from 'node:fs'
import { isAbsolute, normalize, sep } from 'node:path'
import { SeerError } from '../../errors.ts'

export interface HeldFolder extends Disposable {
  /** Good as long as the folder is held. */
  readonly path: string
}

export interface Making {
  /** Whose the folders are to be, where they would be root's otherwise. */
  readonly owner: number | null
}

/** Linux opens an entry of an open folder by its descriptor; elsewhere folders are checked, and then named again. */
const HAS_DESCRIPTOR_PATHS = process.platform === 'linux' && existsSync('/proc/self/fd')
const AS_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY

/** A path to what has this name in the folder. Names are bytes: not each of them is text. */
export function entryOf(folder: HeldFolder, name: string): string
export function entryOf(folder: HeldFolder, name: Buffer): Buffer
export function entryOf(folder: HeldFolder, name: string | Buffer): string | Buffer {
  return typeof name === 'string' ? `${folder.path}/${name}` : Buffer.concat([Buffer.from(`${folder.path}/`), name])
}

export function holdRoot(path: string): HeldFolder {
  return held(openSync(path, AS_FOLDER), path)
}

/** Missing ones are made where `making` says for whom. `asked`: the path that an error tells of. */
export function holdBelow(folder: HeldFolder, name: string, asked: string, making?: Making): HeldFolder {
  const path = entryOf(folder, name)
  const openIt = () => openSync(path, AS_FOLDER | constants.O_NOFOLLOW)
  try {
    return held(openIt(), path)
  } catch (cause) {
    if (isLink(path)) throw outside(asked, cause)
    if (codeOf(cause) !== 'ENOENT' || making === undefined) throw fileMissing(asked, cause)
  }
  makeUnlessThere(path)
  const made = openIt()
  try {
    if (making.owner !== null) fchownSync(made, making.owner, making.owner)
    fchmodSync(made, 0o755)
  } catch (error) {
    closeSync(made)
    throw error
  }
  return held(made, path)
}

/** The folder at the end of a way, whose others are let go. */
export function holdAt(root: string, parts: readonly string[], asked: string): HeldFolder {
  let at = holdRoot(root)
  for (const part of parts) {
    using above = at
    at = holdBelow(above, part, asked)
  }
  return at
}

function held(descriptor: number, path: string): HeldFolder {
  let isHeld = true
  return {
    get path() {
      // The number may be another folder's by now.
      if (!isHeld) throw new Error('a folder was used after it was let go')
      return HAS_DESCRIPTOR_PATHS ? `/proc/self/fd/${descriptor}` : path
    },
    [Symbol.dispose]() {
      if (isHeld) closeSync(descriptor)
      isHeld = false
    },
  }
}

function isLink(path: PathLike): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

function makeUnlessThere(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** The names on the way to a path of the workspace. Throws `file-outside` for one that leads out of it. */
export function partsOf(path: string): string[] {
  if (isAbsolute(path) || path.includes('\0')) throw outside(path)
  const parts = normalize(path)
    .split(sep)
    .filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw outside(path)
  return parts
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

export function outside(path: string, cause?: unknown): SeerError {
  return new SeerError('file-outside', {
    message: `${path} is not inside the workspace, or leads through a link.`,
    hint: 'Files are read and written in the workspace alone. Elsewhere in the sandbox, do it with code (`exec`, or a cell).',
    cause,
  })
}

/** What lies there instead, where the system says so. */
const INSTEAD: Readonly<Record<string, string>> = {
  ELOOP: 'is a link, and links are not followed',
  ENXIO: 'is not a plain file',
  ENOTDIR: 'leads through a file as if it were a folder',
  ENAMETOOLONG: 'is a longer name than there can be',
}

export function fileMissing(path: string, cause?: unknown): SeerError {
  const instead = INSTEAD[String(codeOf(cause))]
  const message = instead === undefined ? `There is no file ${path} in the workspace.` : `${path} ${instead}.`
  return new SeerError('file-missing', { message, cause })
}
