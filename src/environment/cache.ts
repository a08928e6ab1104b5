import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { z } from 'zod'
import { SeerError } from '../errors.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'
import { isProcessAlive, withLock } from './lock.ts'
import { syncFileSystem } from './run-tool.ts'

/** The folder for everything that can be made again: tools, Python environments, converted models. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env['SEER_CACHE']) return env['SEER_CACHE']
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'seer')
}

/** Written into a folder when it is complete. A folder without it does not count, whatever it holds. */
export const readyMark = '.seer-ready.json'

/** Held by whoever makes or removes the folder. */
export const lockOf = (path: string): string => `${path}.lock`

export type BuildOptions<T> = {
  /** Fills the folder that it is given (`path` only comes to be by a rename) and returns what is to be known about it. */
  build: (folder: string) => Promise<T>
  /** The shape of that, checked when it is read back. */
  schema: z.ZodType<T>
  /** False for a finished folder that no longer works, such as one whose Python was removed: it is built again. */
  isUsable?: (value: T) => Promise<boolean>
  onWait?: (holder: string) => void
  signal?: AbortSignal | undefined
}

/** What a finished folder says of itself, or undefined if it is not there, not finished, or no longer usable. */
export async function readReady<T>(
  path: string,
  options: Pick<BuildOptions<T>, 'schema' | 'isUsable'>,
): Promise<T | undefined> {
  const value = await readJsonFile(join(path, readyMark), options.schema)
  if (value === undefined) return undefined
  return !options.isUsable || (await options.isUsable(value)) ? value : undefined
}

/**
 * Gives the folder `path`, built at most once on this machine. Others who want it meanwhile wait. It is built beside its
 * place, written to disk, marked, and renamed into place last, so a build that was cut short is never taken for a whole one.
 */
export async function buildOnce<T>(path: string, options: BuildOptions<T>): Promise<{ value: T; built: boolean }> {
  const ready = await readReady(path, options)
  if (ready !== undefined) return { value: ready, built: false }

  try {
    await mkdir(dirname(path), { recursive: true })
    return await withLock(lockOf(path), options, async () => {
      const readyNow = await readReady(path, options)
      return readyNow === undefined
        ? { value: await buildAndPublish(path, options), built: true }
        : { value: readyNow, built: false }
    })
  } catch (error) {
    throw asDiskFull(error, path)
  }
}

async function buildAndPublish<T>(path: string, options: BuildOptions<T>): Promise<T> {
  await removeAbandoned(path)
  const temporary = `${path}.building-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await mkdir(temporary)
    const value = await options.build(temporary)
    options.signal?.throwIfAborted()
    await publish(temporary, path, value, options)
    return value
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function publish<T>(temporary: string, path: string, value: T, options: BuildOptions<T>): Promise<void> {
  await syncFileSystem(temporary)
  await writeJsonFile(join(temporary, readyMark), value)
  if ((await readReady(path, options)) !== undefined) return // someone took our lock for dead and was faster
  // What is there now is unfinished or unusable. It is moved aside first, because a rename never replaces a full folder.
  const old = `${path}.building-${process.pid}-old`
  await rename(path, old).catch(() => undefined)
  await rename(temporary, path)
  await syncFolder(dirname(path))
  await rm(old, { recursive: true, force: true })
}

/** Removes what builders that no longer live have left. Only called under the lock. */
async function removeAbandoned(path: string): Promise<void> {
  const prefix = `${basename(path)}.building-`
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(name.slice(prefix.length).split('-')[0])
    if (pid === process.pid || isProcessAlive(pid)) continue
    // A tool that the builder had started may still write there; what it leaves goes the next time.
    await rm(join(dirname(path), name), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync().catch(() => undefined) // not every file system can sync a folder
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** ENOSPC of our own writes and the tools' words for it become one error; everything else stays as it is. */
export function asDiskFull(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, error)
  return error
}

export function diskFull(path: string, cause: unknown): SeerError {
  return new SeerError('setup-disk-full', {
    message: `no space left on the disk of ${dirname(path)} while making ${basename(path)}`,
    hint: 'the set-up needs about 4 GB; free some space or set SEER_CACHE to a folder on a larger disk, and run again',
    cause,
  })
}
