/** One file of a workspace, read from outside. The agent's code may have made anything of it, and change it at any moment. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { SeerError } from '../../errors.ts'
import { entryOf, fileMissing, holdAt, partsOf } from './held-folder.ts'

/** Never a link, and without waiting for whoever is at the other end of a pipe. */
export const AS_PLAIN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

/** Refuses links and anything that is not a plain file. */
export async function readInside(workspace: string, path: string, maxBytes: number): Promise<Uint8Array> {
  const parts = partsOf(path)
  const name = parts.pop()
  if (name === undefined) throw notPlain(path)
  using folder = holdAt(workspace, parts, path)
  await using file = await open(entryOf(folder, name), AS_PLAIN_FILE).catch((cause: unknown) => {
    throw fileMissing(path, cause)
  })
  const stat = await file.stat()
  if (!stat.isFile()) throw notPlain(path)
  const { size } = stat
  if (size > maxBytes)
    throw new SeerError('file-too-large', { message: `${path} has ${size} bytes; at most ${maxBytes} are taken.` })
  // Not until its end: a file may grow while it is read.
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0)
  return buffer.subarray(0, bytesRead)
}

function notPlain(path: string): SeerError {
  return new SeerError('file-missing', { message: `${path} is not a plain file.` })
}
