/** One file of a workspace into a snapshot: by the hash of its bytes, with the run's secrets hidden as in all that a run keeps. */
import { isUtf8 } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Redactor } from '../../run/redactor.ts'
import type { TreeFile } from '../../sandbox/backend.ts'
import type { SnapshotEntry } from './snapshot.ts'

/** Larger text cannot be searched in one piece. */
const MAX_SEARCHED_BYTES = 64 * 1024 * 1024
/** No form of a secret is longer. */
const OVERLAP_BYTES = 256 * 1024

type StoredFile = Extract<SnapshotEntry, { kind: 'file' }>

export interface Storing {
  readonly blobs: string
  readonly redactor: Pick<Redactor, 'bytes' | 'text'>
  /** Else large files need not be looked through. */
  readonly hasSecrets: boolean
}

/** Or why it was not stored. Read again where it was changed meanwhile, since most writers are done soon; the second time, marked. */
export async function storeFile(entry: TreeFile, storing: Storing): Promise<StoredFile | { why: string }> {
  const first = await storeOnce(entry, storing)
  return 'note' in first && first.note === 'changed while it was read' ? storeOnce(entry, storing) : first
}

async function storeOnce(entry: TreeFile, storing: Storing): Promise<StoredFile | { why: string }> {
  const { path, isExecutable } = entry
  const { hasSecrets, redactor } = storing
  const isSearched = entry.bytes <= MAX_SEARCHED_BYTES
  const read = settled(entry)
  let isHidden = false
  async function* hidden() {
    const bytes = await whole(read.pieces())
    const shown = redactor.bytes(bytes)
    isHidden = shown !== bytes
    yield shown
  }
  const refused = hasSecrets && !isSearched ? refusing(read.pieces(), redactor) : read.pieces()
  const stored = await write(isSearched ? hidden() : refused, storing.blobs)
  if (stored === undefined) return { why: 'it holds a secret, and is too large to have it hidden' }
  const note = read.hasChanged() ? 'changed while it was read' : isHidden ? 'secrets are hidden in it' : undefined
  return { kind: 'file', path, isExecutable, ...stored, ...(note === undefined ? {} : { note }) }
}

/** A file that was changed while it was read: what came is taken all the same, and never more than was found at first. */
function settled(entry: TreeFile) {
  let isChanged = false
  async function* pieces() {
    let left = entry.bytes
    try {
      for await (const piece of entry.read()) {
        isChanged ||= piece.byteLength > left
        yield piece.subarray(0, left)
        left -= Math.min(left, piece.byteLength)
        if (isChanged) return
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'file-changed')) throw error
      isChanged = true
    }
  }
  return { pieces, hasChanged: () => isChanged }
}

async function whole(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return all.length === 1 ? all[0]! : Buffer.concat(all)
}

class HoldsSecret extends Error {}

/** Passes text on as long as there is nothing to hide in it. Bytes that are no text are not searched, as elsewhere. */
async function* refusing(pieces: AsyncIterable<Uint8Array>, redactor: Pick<Redactor, 'text'>) {
  let before: Uint8Array = Buffer.alloc(0)
  let isText: boolean | undefined
  for await (const piece of pieces) {
    isText ??= startsAsText(piece)
    if (isText) {
      const window = Buffer.concat([before, piece])
      const text = window.toString()
      if (redactor.text(text) !== text) throw new HoldsSecret()
      before = window.subarray(-OVERLAP_BYTES)
    }
    yield piece
  }
}

/** A character may be cut at the end. */
function startsAsText(piece: Uint8Array): boolean {
  return [0, 1, 2, 3].some((cut) => isUtf8(piece.subarray(0, piece.byteLength - cut)))
}

/** Undefined: it must not be kept. */
async function write(pieces: AsyncIterable<Uint8Array>, blobs: string) {
  const part = join(blobs, `.${randomBytes(8).toString('hex')}`)
  const hash = createHash('sha256')
  let bytes = 0
  const file = openSync(part, 'wx', 0o600)
  try {
    for await (const piece of pieces) {
      hash.update(piece)
      bytes += piece.byteLength
      for (let at = 0; at < piece.byteLength;) at += writeSync(file, piece, at)
    }
    const sha256 = hash.digest('hex')
    const blob = join(blobs, sha256)
    if (!existsSync(blob)) renameSync(part, blob)
    return { sha256, bytes }
  } catch (error) {
    if (error instanceof HoldsSecret) return undefined
    throw error
  } finally {
    closeSync(file)
    rmSync(part, { force: true })
  }
}
