/** By which hash a run's record knows the weights. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { cacheRoot } from '../cache.ts'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import type { Step, SetupContext } from '../progress.ts'
import { gigabytes } from './memory.ts'
import type { HashSource } from './model-handle.ts'

/** Up to this much is read in full, the first time: about half a minute from a fast disk. */
const READ_BYTES = 20e9
const PIECES = 64
const PIECE_BYTES = 1 << 20

const memoSchema = z.object({ sha256: z.string(), how: z.enum(['read', 'hub', 'sampled']) })
type FileHash = z.infer<typeof memoSchema>

export async function hashWeights(
  folder: string,
  weights: readonly { name: string; bytes: number }[],
  context: SetupContext,
  step: Step,
  readBytes = READ_BYTES,
): Promise<{ weightsSha256: string; weightsHashFrom: HashSource }> {
  const total = weights.reduce((sum, { bytes }) => sum + bytes, 0)
  const hashes: (FileHash & { name: string })[] = []
  for (const { name, bytes } of weights) {
    if (bytes > 1e9) step.update(`reading ${name} (${gigabytes(bytes)}) for its hash, this first time only`)
    hashes.push({ name, ...(await hashFile(join(folder, name), total > readBytes, context)) })
  }
  const from = (['sampled', 'hub', 'read'] as const).find((how) => hashes.some((hash) => hash.how === how)) ?? 'read'
  if (hashes.length === 1) return { weightsSha256: hashes[0]!.sha256, weightsHashFrom: from }
  const lines = hashes.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ sha256, name }) => `${sha256}  ${name}\n`)
  return { weightsSha256: createHash('sha256').update(lines.join('')).digest('hex'), weightsHashFrom: from }
}

async function hashFile(path: string, isHuge: boolean, context: SetupContext): Promise<FileHash> {
  const named = await nameInHub(path)
  if (named !== undefined) return { sha256: named, how: 'hub' }
  const real = await realpath(path)
  const { size, mtimeMs, ino, dev } = await stat(real)
  const how = isHuge ? 'sampled' : 'read'
  const key = createHash('sha256')
    .update(JSON.stringify([real, size, mtimeMs, ino, dev, how]))
    .digest('hex')
  const memo = join(cacheRoot(context.env), 'hashes', `${key.slice(0, 32)}.json`)
  const known = await readJsonFile(memo, memoSchema)
  if (known) return known
  const sha256 = isHuge ? await samplesOf(real, size) : await contentOf(real, context.signal)
  // Only a memory, so that the next start does not read it again.
  await mkdir(dirname(memo), { recursive: true })
    .then(() => writeJsonFile(memo, { sha256, how }))
    .catch(() => undefined)
  return { sha256, how }
}

/** Large files lie in the hub's cache under their sha256, with a link from where they are looked for. */
async function nameInHub(path: string): Promise<string | undefined> {
  const link = await readlink(path).catch(() => undefined)
  if (link === undefined || basename(dirname(link)) !== 'blobs') return undefined
  return /^[0-9a-f]{64}$/.test(basename(link)) ? basename(link) : undefined
}

async function contentOf(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}

/** The size, and pieces from the start (the header) to the end. */
async function samplesOf(path: string, size: number): Promise<string> {
  const hash = createHash('sha256').update(`${size}\n`)
  await using file = await open(path, 'r')
  const piece = Buffer.alloc(PIECE_BYTES)
  for (let i = 0; i < PIECES; i++) {
    const at = Math.round((Math.max(0, size - PIECE_BYTES) * i) / (PIECES - 1))
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, at)
    hash.update(piece.subarray(0, bytesRead))
  }
  return hash.digest('hex')
}
