/**
 * Serves a file that the agent's code made, as a copy by its hash: the bytes are what the log says, or nothing is sent. Only
 * pictures that a browser draws and does not run have a type of their own; everything else is a download.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { describeError, SeerError } from '../errors.ts'
import { sha256Schema } from '../notebook/nbformat.ts'
import { begin, IMMUTABLE } from './respond.ts'

const CHUNK_BYTES = 256 * 1024
const MAX_NAME = 150

export async function sendArtifact(
  response: ServerResponse,
  folder: string,
  { sha256, name }: { sha256: string; name: string | null },
): Promise<void> {
  await using file = await openArtifact(folder, sha256)
  const { head, bytes } = await checked(file, sha256)
  const picture = pictureType(head)
  const isShown = picture !== undefined && name === null
  begin(response, 200, {
    ...IMMUTABLE,
    'Content-Type': picture ?? 'application/octet-stream',
    'Content-Length': String(bytes),
    'Content-Disposition': isShown ? 'inline' : attachment(name ?? sha256),
    'Content-Security-Policy': "sandbox; default-src 'none'",
  })
  const end = Math.max(0, bytes - 1)
  await pipeline(
    file.createReadStream({ start: 0, end, highWaterMark: CHUNK_BYTES, autoClose: false }),
    response,
  ).catch((error: unknown) => {
    // Whoever asked has gone.
    if (!response.destroyed) throw error
  })
}

async function openArtifact(folder: string, sha256: string): Promise<FileHandle> {
  if (!sha256Schema.safeParse(sha256).success) throw missing(sha256)
  const path = join(folder, 'artifacts', sha256)
  try {
    // Neither through a link, nor for ever on a pipe.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String(error.code))))
      throw new SeerError('artifact-damaged', {
        message: `The artifact cannot be read: ${describeError(error)}`,
        cause: error,
      })
  }
  throw missing(sha256)
}

function missing(sha256: string): SeerError {
  return new SeerError('artifact-missing', { message: `The run has no artifact ${sha256.slice(0, 64)}.` })
}

/** Its first bytes and its size, when all of it hashes to its name. */
async function checked(file: FileHandle, sha256: string): Promise<{ head: Buffer; bytes: number }> {
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(CHUNK_BYTES)
  let head = Buffer.alloc(0)
  let bytes = 0
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, bytes)
    if (bytesRead === 0) break
    if (bytes === 0) head = Buffer.from(chunk.subarray(0, 16))
    hash.update(chunk.subarray(0, bytesRead))
    bytes += bytesRead
  }
  if (hash.digest('hex') === sha256) return { head, bytes }
  throw new SeerError('artifact-damaged', { message: 'The file is not the one that was recorded: its bytes differ.' })
}

/** By what stands in it, not by what is said of it. */
function pictureType(head: Buffer): string | undefined {
  const text = head.toString('latin1')
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (/^GIF8[79]a/.test(text)) return 'image/gif'
  return /^RIFF[^]{4}WEBP/.test(text) ? 'image/webp' : undefined
}

/** A plain name for every browser, and the real one for those that can. */
function attachment(name: string): string {
  const safe = name
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}/\\:*?"<>|]/gu, '_')
    .replace(/^\.+/, '_')
    .slice(0, MAX_NAME)
    .toWellFormed()
  const plain = safe.replaceAll(/[^\x20-\x7e]|%/g, '_').trim() || 'artifact'
  const encoded = encodeURIComponent(safe).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded || 'artifact'}`
}
