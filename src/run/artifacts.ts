/** Files by the hash of their bytes: `artifacts/<sha256>`. The same bytes are one file, however often they are put. */
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { sha256Schema } from '../notebook/nbformat.ts'
import { refuseLink } from './own-folder.ts'
import { makeFolder } from './paths.ts'

export interface Artifacts {
  /** Stores bytes and returns their sha256. They are on the disk when it returns: the log may refer to them at once. */
  put(bytes: Uint8Array): string
  path(sha256: string): string
  has(sha256: string): boolean
  /** All bytes, or a stretch of them. Throws when there is no such file. */
  read(sha256: string, range?: { from: number; to: number }): Uint8Array
  /** Why the file is not what its name says; undefined when it is. */
  problem(sha256: string): string | undefined
}

const CHUNK_BYTES = 1024 * 1024

export function openArtifacts(folder: string): Artifacts {
  let puts = 0
  const path = (sha256: string) => join(folder, sha256Schema.parse(sha256))
  const sizeOf = (sha256: string) => statSync(path(sha256), { throwIfNoEntry: false })?.size

  return {
    path,
    has: (sha256) => sizeOf(sha256) !== undefined,
    put(bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      if (sizeOf(sha256) === bytes.byteLength) return sha256
      const aside = join(folder, `.${sha256}.${process.pid}-${puts++}`)
      try {
        refuseLink(folder)
        makeFolder(folder)
        writeAll(aside, bytes)
        renameSync(aside, path(sha256))
      } catch (error) {
        removeQuietly(aside)
        throw new SeerError('artifact-write-failed', {
          message: `A value of ${bytes.byteLength} bytes could not be stored in ${folder}: ${describeError(error)}`,
          hint: 'Make room on that disk, or choose another one with --output-dir.',
          cause: error,
          endsRun: true,
        })
      }
      return sha256
    },
    read(sha256, range) {
      const size = sizeOf(sha256)
      if (size === undefined)
        throw new SeerError('artifact-missing', { message: `There is no artifact ${sha256} in ${folder}.` })
      const from = Math.min(range?.from ?? 0, size)
      const bytes = Buffer.alloc(Math.max(0, Math.min(range?.to ?? size, size) - from))
      const file = openSync(path(sha256), 'r')
      try {
        return readFully(file, bytes, from)
      } finally {
        closeSync(file)
      }
    },
    problem: (sha256) => fileProblem(path(sha256), sha256),
  }
}

function writeAll(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx')
  try {
    for (let at = 0; at < bytes.byteLength;) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** While telling of one failure, not of a second one. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    return
  }
}

/** Why a file does not hold the bytes of that hash; undefined when it does. */
export function fileProblem(path: string, sha256: string): string | undefined {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return 'is missing'
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(CHUNK_BYTES)
  const file = openSync(path, 'r')
  try {
    for (let at = 0; ; at += CHUNK_BYTES) {
      const read = readFully(file, chunk, at)
      hash.update(read)
      if (read.length < CHUNK_BYTES) break
    }
  } finally {
    closeSync(file)
  }
  const found = hash.digest('hex')
  return found === sha256 ? undefined : `holds other bytes than were recorded (they hash to ${found})`
}

/** Fills `bytes` from `from` on; less at the file's end. */
function readFully(file: number, bytes: Buffer, from: number): Buffer {
  for (let at = 0; at < bytes.length;) {
    const read = readSync(file, bytes, at, bytes.length - at, from + at)
    if (read === 0) return bytes.subarray(0, at)
    at += read
  }
  return bytes
}
