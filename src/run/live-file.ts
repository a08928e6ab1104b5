/**
 * What a process that writes a run leaves for other commands of this user while the run goes on: one file, closed to others, in a
 * folder that is closed to others, apart from the run's own. It may hold secrets.
 */
import { randomBytes } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { isOwnFolder } from './own-folder.ts'
import { isProcessAlive, processStartTime } from './process-identity.ts'
import { rootsFor, socketPath } from './socket-path.ts'

const MAX_BYTES = 4 * 1024 * 1024
const NAME = /^[0-9a-f]+\.json$/

const writerSchema = z.object({ pid: z.int().positive(), startTime: z.string() })

export interface LiveFile {
  /** The old text or the new one, never a part. */
  write(value: object): void
  /** Idempotent. */
  remove(): void
}

/** In the folder of this name, where sockets lie. Throws a SeerError where no safe place can be had. */
export function openLiveFile(kind: string): LiveFile {
  const path = socketPath([kind, `${randomBytes(6).toString('hex')}.json`])
  const writer = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' }
  removeDead(dirname(path))
  const remove = () => {
    process.off('exit', remove)
    rmSync(path, { force: true })
  }
  // A process that ends at once leaves none; one that is killed leaves it to the next.
  process.once('exit', remove)
  return {
    write(value) {
      const part = `${path}.part`
      rmSync(part, { force: true })
      writeFileSync(part, JSON.stringify({ ...value, writer }), { mode: 0o600, flag: 'wx' })
      renameSync(part, path)
    },
    remove,
  }
}

/** What living processes of this user have left there. What is not as it should be is passed over. */
export function readLiveFiles<T>(kind: string, schema: z.ZodType<T>, env: NodeJS.ProcessEnv = process.env): T[] {
  return foldersOf(kind, env)
    .flatMap(filesIn)
    .flatMap((path) => {
      const value = readValue(path)
      if (!isWritten(value)) return []
      const { success, data } = schema.safeParse(value)
      return success ? [data] : []
    })
}

/** A command may be started without the variables that the run's process had. */
function foldersOf(kind: string, env: NodeJS.ProcessEnv): string[] {
  const roots = [...rootsFor(env), `/run/user/${userInfo().uid}/seer`]
  return [...new Set(roots)].map((root) => join(root, kind)).filter((folder) => isClosed(folder) && isOwnFolder(folder))
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

function readValue(path: string): unknown {
  try {
    const found = lstatSync(path)
    if (!found.isFile() || found.uid !== userInfo().uid || !isClosed(path) || found.size > MAX_BYTES) return undefined
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

function isClosed(path: string): boolean {
  return ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0o777) & 0o077) === 0
}

function isWritten(value: unknown): boolean {
  const writer = writerSchema.safeParse((value as { writer?: unknown } | undefined)?.writer).data
  return writer !== undefined && isProcessAlive(writer.pid, writer.startTime)
}

function removeDead(folder: string): void {
  for (const path of filesIn(folder)) if (!isWritten(readValue(path))) rmSync(path, { force: true })
}
