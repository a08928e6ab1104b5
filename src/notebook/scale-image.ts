/** An image as a model is shown it: at most 1024 pixels on its long side, PNG or WebP, whichever is smaller. */
import sharp from 'sharp'

const LONG_SIDE = 1024
const MAX_BYTES = 1_500_000
/** Of the decoded image: a few kilobytes of PNG can hold a picture that fills the memory. */
const MAX_PIXELS = 50_000_000
export const MAX_IMAGE_BYTES = 20 * 1024 * 1024

export type ScaledImage = { mediaType: 'image/png' | 'image/webp'; data: Uint8Array } | { problem: string }

/** Never throws on what the bytes hold: they are the work of the code in the sandbox. */
export async function scaleImage(bytes: Uint8Array): Promise<ScaledImage> {
  // The decoder would go by content and knows many formats; only those of notebooks are given to it.
  if (!isRaster(bytes)) return { problem: 'it is not a PNG, JPEG, WebP or GIF' }
  try {
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata()
    if (width * height > MAX_PIXELS) return { problem: `its ${width}×${height} pixels are too many` }
    for (const side of [LONG_SIDE, LONG_SIDE / 2, LONG_SIDE / 4]) {
      const smallest = await encode(bytes, side)
      if (smallest.data.byteLength <= MAX_BYTES) return smallest
    }
    return { problem: 'it stays too large when scaled down' }
  } catch (error) {
    return { problem: `it is broken (${error instanceof Error ? error.message.split('\n')[0] : String(error)})` }
  }
}

async function encode(bytes: Uint8Array, side: number): Promise<Exclude<ScaledImage, { problem: string }>> {
  const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' })
    .timeout({ seconds: 20 })
    .rotate()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
  const [png, webp] = await Promise.all([
    image.clone().png({ compressionLevel: 9 }).toBuffer(),
    image.clone().webp({ quality: 90 }).toBuffer(),
  ])
  return png.byteLength <= webp.byteLength
    ? { mediaType: 'image/png', data: png }
    : { mediaType: 'image/webp', data: webp }
}

function isRaster(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(12, bytes.byteLength)).toString('latin1')
  const isWebp = start.startsWith('RIFF') && start.endsWith('WEBP')
  return isWebp || ['\x89PNG\r\n\x1a\n', '\xff\xd8\xff', 'GIF87a', 'GIF89a'].some((magic) => start.startsWith(magic))
}
