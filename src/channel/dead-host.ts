/** The journal of a host that has ended, read from the files that it left: what it had received outlives it. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SeerError } from '../errors.ts'
import type { Connection } from './host-connection.ts'
import { methods, type MethodName, type Params, type Result } from './protocol.ts'

export function deadHostConnection(stateDir: string): Connection {
  return {
    request: async <M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> => {
      if (method === 'journal/read') return { records: await readJournal(stateDir, methods['journal/read'].params.parse(params)) } as Result<M>
      if (method === 'blob/read') return (await readBlob(stateDir, methods['blob/read'].params.parse(params))) as Result<M>
      throw new SeerError('sandbox-lost', { message: `The sandbox has ended; ${method} is not possible any more.` })
    },
  }
}

async function readJournal(stateDir: string, { after, maxBytes }: { after: number; maxBytes: number }): Promise<unknown[]> {
  const records: unknown[] = []
  let bytes = 0
  const stream = createReadStream(join(stateDir, 'journal.jsonl'))
  const missing = new Promise<void>((resolve) => stream.once('error', () => resolve()))
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  void missing.then(() => lines.close())
  for await (const line of lines) {
    const record = parse(line)
    if (record === undefined || record.seq <= after) continue
    if (bytes > 0 && bytes + line.length > maxBytes) break
    records.push(record)
    bytes += line.length
  }
  stream.destroy()
  return records
}

/** Undefined for a torn last line, which the host never told anyone of. */
function parse(line: string): { seq: number } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'seq' in value && typeof value.seq === 'number' ? (value as { seq: number }) : undefined
  } catch {
    return undefined
  }
}

async function readBlob(stateDir: string, { sha256, offset, length }: { sha256: string; offset: number; length: number }) {
  const file = await open(join(stateDir, 'blobs', sha256))
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
    return { base64: buffer.subarray(0, bytesRead).toString('base64'), size }
  } finally {
    await file.close()
  }
}
