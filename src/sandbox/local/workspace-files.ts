/**
 * Files of a workspace, from outside. Whatever lies in it was put there by the agent's code and may change at any moment, so no link
 * is followed and each folder is held by itself, not by its name, while the next one is looked up in it.
 */
import { randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { lstat, mkdir, open, realpath, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, isAbsolute, join, normalize, relative, sep } from 'node:path'
import { SeerError } from '../../errors.ts'

/** Whose files they are to be, where they would be root's otherwise. */
type Owner = number | null

/** Refuses links and anything that is not a plain file. */
export async function readInside(workspace: string, path: string, maxBytes: number): Promise<Uint8Array> {
  const parts = partsOf(path)
  if (parts.length === 0) throw fileMissing(path, undefined)
  await using folder = await openFolder(workspace, parts.slice(0, -1), { path })
  const file = await open(
    folder.entry(parts.at(-1)!),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  ).catch((cause: unknown) => {
    throw fileMissing(path, cause)
  })
  try {
    const { size, ...stat } = await file.stat()
    if ((stat.mode & constants.S_IFMT) !== constants.S_IFREG)
      throw new SeerError('file-missing', { message: `${path} is not a plain file.` })
    if (size > maxBytes)
      throw new SeerError('file-too-large', { message: `${path} has ${size} bytes; at most ${maxBytes} are taken.` })
    // Not until its end: a file may grow while it is read.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Parents are made. A file that is there is replaced whole. */
export async function writeInside(workspace: string, path: string, bytes: Uint8Array, owner: Owner): Promise<void> {
  const parts = partsOf(path)
  if (parts.length === 0) throw outside(path)
  await using folder = await openFolder(workspace, parts.slice(0, -1), { path, makeFor: owner })
  const name = parts.at(-1)!
  const part = folder.entry(`${name}.${randomBytes(4).toString('hex')}.part`)
  try {
    const file = await open(
      part,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o644,
    )
    try {
      await file.writeFile(bytes)
      if (owner !== null) await file.chown(owner, owner)
    } finally {
      await file.close()
    }
    await rename(part, folder.entry(name))
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

interface Folder extends AsyncDisposable {
  /** A path to what has this name in the folder. */
  entry(name: string): string
}

interface Way {
  /** As it was asked for. */
  readonly path: string
  /** Missing folders are made, for this owner. */
  readonly makeFor?: Owner
}

/** Linux opens an entry of an open folder by its descriptor; elsewhere folders are checked, and then named again. */
const HAS_DESCRIPTOR_PATHS = process.platform === 'linux' && existsSync('/proc/self/fd')

async function openFolder(workspace: string, parts: readonly string[], way: Way): Promise<Folder> {
  if (!HAS_DESCRIPTOR_PATHS) return checkedFolder(workspace, parts, way)
  let at = await open(workspace, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    for (const part of parts) {
      const below = await openBelow(at, part, way)
      await at.close()
      at = below
    }
  } catch (error) {
    await at.close()
    throw error
  }
  return { entry: (name) => `/proc/self/fd/${at.fd}/${name}`, [Symbol.asyncDispose]: () => at.close() }
}

async function openBelow(at: FileHandle, part: string, { path, makeFor }: Way): Promise<FileHandle> {
  const below = `/proc/self/fd/${at.fd}/${part}`
  const openIt = () => open(below, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    return await openIt()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const found = await lstat(below).catch(() => undefined)
    if (found?.isSymbolicLink()) throw outside(path, cause)
    if (code !== 'ENOENT' || makeFor === undefined) throw fileMissing(path, cause)
  }
  await mkdir(below)
  const made = await openIt()
  if (makeFor !== null) await made.chown(makeFor, makeFor)
  return made
}

async function checkedFolder(workspace: string, parts: readonly string[], { path, makeFor }: Way): Promise<Folder> {
  const root = await realpath(workspace)
  const asked = join(root, ...parts)
  if (makeFor !== undefined) await mkdir(asked, { recursive: true })
  const folder = await realpath(asked).catch((cause: unknown) => {
    throw fileMissing(path, cause)
  })
  if (relative(root, folder).startsWith('..')) throw outside(path)
  return { entry: (name) => join(folder, basename(name)), [Symbol.asyncDispose]: () => Promise.resolve() }
}

function partsOf(path: string): string[] {
  if (isAbsolute(path) || path.includes('\0')) throw outside(path)
  const parts = normalize(path)
    .split(sep)
    .filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw outside(path)
  return parts
}

function outside(path: string, cause?: unknown): SeerError {
  return new SeerError('file-outside', {
    message: `${path} is not inside the workspace, or leads through a link.`,
    cause,
  })
}

function fileMissing(path: string, cause: unknown): SeerError {
  return new SeerError('file-missing', { message: `There is no file ${path} in the workspace.`, cause })
}
