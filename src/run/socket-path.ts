/** Every unix socket's path is made here: the kernel allows about 107 bytes, and others must not be able to put theirs in its place. */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { SeerError } from '../errors.ts'
import { isOwnFolder } from './own-folder.ts'

/** macOS allows 104 with the closing zero; the rest is for those who count differently. */
export const MAX_SOCKET_PATH_BYTES = 100

export interface SocketPathOptions {
  /** Bytes that will be appended to the path, such as ZeroMQ's `-1` … `-5`. */
  readonly reserveBytes?: number
  readonly env?: NodeJS.ProcessEnv
}

/** A path for a socket, in a folder that exists, belongs to this user and is closed to others. */
export function socketPath(parts: readonly string[], options: SocketPathOptions = {}): string {
  for (const part of parts) {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(part))
      throw new Error(`not a name for a socket: ${JSON.stringify(part)}`)
  }
  const { reserveBytes = 0, env = process.env } = options
  const fits = (path: string) => Buffer.byteLength(path) + reserveBytes <= MAX_SOCKET_PATH_BYTES
  const root = rootsFor(env).find((candidate) => fits(join(candidate, ...parts)))
  if (root === undefined) {
    const shortest = join(rootsFor(env).at(-1)!, ...parts)
    throw new SeerError('socket-path-too-long', {
      message: `A socket's path may have ${MAX_SOCKET_PATH_BYTES - reserveBytes} bytes; ${shortest} has ${Buffer.byteLength(shortest)}.`,
      hint: 'Choose a shorter name.',
    })
  }
  const path = join(root, ...parts)
  ensurePrivate(root)
  for (let depth = 1; depth < parts.length; depth++) ensurePrivate(join(root, ...parts.slice(0, depth)))
  return path
}

/** The folders in which sockets may lie: the first that is short enough is taken. */
export function rootsFor(env: NodeJS.ProcessEnv): string[] {
  const runtime = env['XDG_RUNTIME_DIR']
  const roots = [join(tmpdir(), `seer-${userInfo().uid}`), `/tmp/seer-${userInfo().uid}`]
  // Under sudo it may still be the one of the user who called.
  return runtime && isAbsolute(runtime) && isOwnFolder(runtime) ? [join(runtime, 'seer'), ...roots] : roots
}

function ensurePrivate(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
      throw refused(folder, 'it cannot be made', error)
  }
  const found = lstatSync(folder)
  if (!found.isDirectory()) throw refused(folder, 'it is a link or a file')
  if (found.uid !== userInfo().uid) throw refused(folder, `it belongs to another user (uid ${found.uid})`)
  if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700)
}

function refused(folder: string, why: string, cause?: unknown): SeerError {
  return new SeerError('socket-folder-refused', {
    message: `The folder ${folder} cannot hold Seer's sockets: ${why}.`,
    hint: `Look into it and remove it, or set XDG_RUNTIME_DIR to a folder of your own (now in ${dirname(folder)}).`,
    cause,
  })
}
