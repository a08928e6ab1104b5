/** The journal of a host that has ended, read from the files that it left: what it had received outlives it. */
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { SeerError } from '../errors.ts'
import type { Connection } from './host-connection.ts'
import { methods, type MethodName, type Params, type Result } from './protocol.ts'

/** More than the longest line that a host writes. */
const CHUNK_BYTES = 1024 * 1024
const START = { seq: 0, at: 0 }

export function deadHostConnection(stateDir: string): Connection {
  // Where the last reading ended: a long journal is read once, not once for each part.
  let place = START
  async function readJournal(after: number, maxBytes: number): Promise<unknown[]> {
    const file = await openExisting(join(stateDir, 'journal.jsonl'))
    if (!file) return []
    try {
      if (after < place.seq) place = START
      const found = await recordsFrom(file, place.at, after, maxBytes)
      place = { seq: after, at: place.at }
      if (found.records.length > 0) place = { seq: found.lastSeq, at: found.end }
      return found.records
    } finally {
      await file.close()
    }
  }
  return {
    request: async <M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> => {
      if (method === 'journal/read') {
        const { after, maxBytes } = methods['journal/read'].params.parse(params)
        return { records: await readJournal(after, maxBytes) } as Result<M>
      }
      if (method === 'blob/read')
        return (await readBlob(stateDir, methods['blob/read'].params.parse(params))) as Result<M>
      throw new SeerError('sandbox-lost', { message: `The sandbox has ended; ${method} is not possible any more.` })
    },
  }
}

/** The records after number `after`, up to `maxBytes` of them but at least one, in the lines from the byte `at` on. */
async function recordsFrom(file: FileHandle, at: number, after: number, maxBytes: number) {
  const found = { records: [] as unknown[], lastSeq: after, end: at }
  let bytes = 0
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, found.end)
    const chunk = buffer.subarray(0, bytesRead)
    let start = 0
    // What follows the last end of line was torn, and nobody was ever told of it.
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const record = parse(chunk.toString('utf8', start, end))
      const length = end + 1 - start
      if (record && record.seq > after) {
        if (bytes > 0 && bytes + length > maxBytes) return found
        found.records.push(record)
        found.lastSeq = record.seq
        bytes += length
      }
      start = end + 1
      found.end += length
    }
    if (start === 0 || bytes >= maxBytes) return found
  }
}

function parse(line: string): { seq: number } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'seq' in value && typeof value.seq === 'number'
      ? (value as { seq: number })
      : undefined
  } catch {
    return undefined
  }
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  return open(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
}

async function readBlob(
  stateDir: string,
  { sha256, offset, length }: { sha256: string; offset: number; length: number },
) {
  const file = await openExisting(join(stateDir, 'blobs', sha256))
  if (!file) throw new SeerError('unknown-blob', { message: `There is no blob ${sha256} in ${stateDir}.` })
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
    return { base64: buffer.subarray(0, bytesRead).toString('base64'), size }
  } finally {
    await file.close()
  }
}
