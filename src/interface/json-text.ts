/** JSON that is passed on as text: whether it is JSON, and not nested so deeply that reading it would hurt. */

export const MAX_DEPTH = 100
const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])

/** Why it cannot be passed on; undefined where it can. */
export function problemOfJson(bytes: Uint8Array): string | undefined {
  // First, since a parser may not survive what is nested a million deep.
  if (isDeeper(bytes, MAX_DEPTH)) return `it is nested more than ${MAX_DEPTH} deep`
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    return undefined
  } catch {
    return 'it is not JSON'
  }
}

function isDeeper(bytes: Uint8Array, limit: number): boolean {
  let depth = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === QUOTE) i = endOfText(bytes, i)
    else if (OPENING.has(byte) && ++depth > limit) return true
    else if (CLOSING.has(byte)) depth -= 1
  }
  return false
}

/** Where the text that begins at `start` has its closing quote. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    if (bytes[i] === BACKSLASH) i += 1
    else if (bytes[i] === QUOTE) return i
  }
  return bytes.length
}
