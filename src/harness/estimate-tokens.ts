/** Tokens of what has not been counted by anyone yet, from above: no text has as many as this, and few images. */
const BYTES_PER_TOKEN = 2
const TOKENS_PER_IMAGE = 5_000

/** Of messages or tools as they are handed to the provider: bytes in them are images. */
export function estimateTokens(value: unknown): number {
  let images = 0
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key, replaced: unknown) {
    // Not `replaced`: a Buffer is turned into a list of numbers before it comes here.
    if (!(this[key] instanceof Uint8Array)) return replaced
    images += 1
    return undefined
  })
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN) + images * TOKENS_PER_IMAGE
}
