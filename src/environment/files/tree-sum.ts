/** What was in a tree, in a few words that say which one it was. */
import { createHash } from 'node:crypto'
import type { TreeEntry } from '../../sandbox/backend.ts'

export interface TreeSum {
  readonly files: number
  readonly bytes: number
  /** One file: its sha256. A folder: the sha256 of the lines `<sha256>  <path>`, sorted by path. */
  readonly sha256: string
}

/** The same entries; `sum` is that of all files that were read whole. */
export function summed(entries: AsyncIterable<TreeEntry>): { entries: AsyncGenerator<TreeEntry>; sum: () => TreeSum } {
  const files = new Map<string, { sha256: string; bytes: number }>()
  async function* passed(): AsyncGenerator<TreeEntry> {
    for await (const entry of entries) {
      if (entry.kind !== 'file') yield entry
      else yield { ...entry, read: () => counted(entry.read(), (sum) => files.set(entry.path, sum)) }
    }
  }
  return { entries: passed(), sum: () => sumOf(files) }
}

async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  done: (sum: { sha256: string; bytes: number }) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of pieces) {
    hash.update(piece)
    bytes += piece.byteLength
    yield piece
  }
  done({ sha256: hash.digest('hex'), bytes })
}

function sumOf(files: ReadonlyMap<string, { sha256: string; bytes: number }>): TreeSum {
  const all = [...files].sort(([one], [two]) => (one < two ? -1 : 1))
  const bytes = all.reduce((sum, [, file]) => sum + file.bytes, 0)
  const alone = files.get('')
  if (alone) return { files: 1, ...alone }
  const lines = all.map(([path, { sha256 }]) => `${sha256}  ${path}\n`).join('')
  return { files: all.length, bytes, sha256: createHash('sha256').update(lines).digest('hex') }
}
