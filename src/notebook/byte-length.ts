interface Counter {
  byteLength(text: string): number
}
const { Buffer: node } = globalThis as { Buffer?: Counter }

/** The bytes of a text in UTF-8, wherever the code runs: a browser has no `Buffer`, and Node's counts faster. */
export const byteLength: (text: string) => number = node === undefined ? countBytes : (text) => node.byteLength(text)

/** As an encoder would write it: half a pair becomes the three bytes of the replacement character. */
export function countBytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) continue
    bytes += code < 0x800 ? 1 : 2
    // A pair is two units and four bytes.
    const isPair = code >= 0xd800 && code <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00
    if (isPair) i += 1
  }
  return bytes
}
