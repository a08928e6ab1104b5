/** Reads what a snapshot says of itself. It may have been damaged, or made by somebody else. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { describeError, SeerError } from '../../errors.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import { BLOBS_FOLDER, digestOf, recordSchema, SNAPSHOT_FILE, type SnapshotRecord } from './snapshot.ts'

/** Never a link, and without waiting for whoever is at the other end of a pipe. */
export const AS_PLAIN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const writtenSchema = z.object({ digest: z.string(), format: z.unknown() }).loose()

/** Throws `snapshot-damaged`. The files are not looked at. */
export function readRecord(folder: string): SnapshotRecord {
  try {
    const { digest, ...rest } = written(folder)
    if (typeof rest.format === 'number' && rest.format !== 1)
      throw damaged(folder, `it has the format ${rest.format}, and this Seer reads format 1`)
    if (digestOf(rest) !== digest) throw damaged(folder, `${SNAPSHOT_FILE} is not what was written`)
    const parsed = recordSchema.safeParse(rest)
    if (!parsed.success) throw damaged(folder, z.prettifyError(parsed.error).slice(0, 500))
    return parsed.data
  } catch (cause) {
    // Lists in lists without end can be read, and not be walked through.
    if (cause instanceof SeerError) throw cause
    throw damaged(folder, `${SNAPSHOT_FILE} cannot be read: ${describeError(cause)}`, cause)
  }
}

export function blobPath(folder: string, sha256: string): string {
  return join(folder, BLOBS_FOLDER, sha256)
}

/** An open plain file. */
export function openPlain(path: string): number {
  const file = openSync(path, AS_PLAIN_FILE)
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw new Error('it is not a plain file')
}

function written(folder: string): z.infer<typeof writtenSchema> {
  const file = openPlain(join(folder, SNAPSHOT_FILE))
  try {
    return writtenSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } finally {
    closeSync(file)
  }
}

/** `why` may quote what somebody else wrote. */
export function damaged(folder: string, why: string, cause?: unknown): SeerError {
  const name = neutralise(basename(folder))
  return new SeerError('snapshot-damaged', {
    message: `The snapshot ${name} is damaged: ${neutralise(why)}.`,
    hint: `Nothing of it is used. \`seer snapshots rm ${name}\` removes it.`,
    cause,
  })
}
