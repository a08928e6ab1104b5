/** Pictures that go into a report, until it is full. */
import { svgDataUrl } from '../notebook/svg-url.ts'
import type { ReadBlob } from '../notebook/stream-text.ts'

/** Of the files that pictures are; in the report they take a third more. */
const MAX_TOTAL_BYTES = 25_000_000
const MAX_SVG_BYTES = 2_000_000

export interface Pictures {
  /** Whether there is room for a picture that stands in the report anyway; if so, it is taken. */
  take(bytes: number): boolean
  /** The address of a picture that is a file; undefined: it is none that can be shown, or there is no room. */
  url(sha256: string, bytes: number): string | undefined
  readonly urls: ReadonlyMap<string, string>
  readonly leftOut: { count: number; bytes: number }
}

export function openPictures(readBlob: ReadBlob, maxBytes = MAX_TOTAL_BYTES): Pictures {
  const urls = new Map<string, string>()
  const refused = new Set<string>()
  const leftOut = { count: 0, bytes: 0 }
  let room = maxBytes

  function take(bytes: number): boolean {
    if (bytes <= room) {
      room -= bytes
      return true
    }
    leftOut.count += 1
    leftOut.bytes += bytes
    return false
  }

  function url(sha256: string, bytes: number): string | undefined {
    const known = urls.get(sha256)
    if (known !== undefined || refused.has(sha256)) return known
    const made = bytes > room ? undefined : urlOf(readBlob, sha256)
    if (made === undefined && bytes <= room) return void refused.add(sha256)
    if (made === undefined || !take(bytes)) {
      if (made === undefined) take(bytes)
      return void refused.add(sha256)
    }
    urls.set(sha256, made)
    return made
  }

  return { take, url, urls, leftOut }
}

/** By what the bytes are, not by what they are said to be. */
function urlOf(readBlob: ReadBlob, sha256: string): string | undefined {
  let bytes: Uint8Array
  try {
    bytes = readBlob(sha256)
  } catch {
    return undefined
  }
  const type = rasterType(bytes)
  if (type !== undefined) return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`
  const start = Buffer.from(bytes.subarray(0, 1000)).toString()
  const isSvg = /^\u{feff}?\s*(<\?xml|<!DOCTYPE svg|<!--|<svg)/iu.test(start) && bytes.length <= MAX_SVG_BYTES
  return isSvg ? svgDataUrl(Buffer.from(bytes).toString()) : undefined
}

const MAGIC: readonly (readonly [string, string])[] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
]

function rasterType(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return 'image/webp'
  return MAGIC.find(([magic]) => start.startsWith(magic))?.[1]
}
