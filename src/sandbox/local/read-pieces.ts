/** Work on many files in one go, while everything else in this process goes on. */
import { readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

const PIECE_BYTES = 1024 * 1024
const AT_ONCE_MS = 15

/** To be waited for between files: lets others go on, now and then. */
export function openBreath(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < AT_ONCE_MS) return
    await setImmediate()
    since = performance.now()
  }
}

/** An open file from where it stands: at most so many bytes, in pieces. */
export async function* readPieces(file: number, maxBytes: number): AsyncGenerator<Uint8Array> {
  const breathe = openBreath()
  for (let left = maxBytes; left > 0;) {
    const piece = Buffer.allocUnsafe(Math.min(left, PIECE_BYTES))
    const length = readSync(file, piece)
    if (length === 0) return
    left -= length
    yield piece.subarray(0, length)
    await breathe()
  }
}
