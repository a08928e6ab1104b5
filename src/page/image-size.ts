/** Width and height of a picture from its first bytes in base64, so that its place is kept before it is drawn. */

const MAX_SIDE = 20_000

export function imageSize(base64: string): { width: number; height: number } | undefined {
  const start = bytesOf(base64.slice(0, 64))
  if (start.length >= 24 && start[1] === 0x50 && start[2] === 0x4e && start[3] === 0x47) {
    return sane(word(start, 16) * 65_536 + word(start, 18), word(start, 20) * 65_536 + word(start, 22))
  }
  if (start.length >= 10 && start[0] === 0x47 && start[1] === 0x49 && start[2] === 0x46) {
    return sane(start[6]! + start[7]! * 256, start[8]! + start[9]! * 256)
  }
  return undefined
}

const word = (bytes: Uint8Array, at: number): number => bytes[at]! * 256 + bytes[at + 1]!

function sane(width: number, height: number) {
  return width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE ? { width, height } : undefined
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64.replaceAll(/\s/g, '')), (character) => character.charCodeAt(0))
  } catch {
    return new Uint8Array()
  }
}
