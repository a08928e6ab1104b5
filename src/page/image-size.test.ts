import { expect, test } from 'vitest'
import { imageSize } from './image-size.ts'

const base64 = (...bytes: number[]) => btoa(String.fromCharCode(...bytes))
const png = (...size: number[]) => base64(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, ...size)

test.each([
  ['PNG', png(0, 0, 1, 44, 0, 0, 0, 200), { width: 300, height: 200 }],
  ['GIF', base64(0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 44, 1, 200, 0), { width: 300, height: 200 }],
  ['JPEG', base64(0xff, 0xd8, 0xff, 0xe0, ...Array.from({ length: 30 }, () => 1)), undefined],
  ['a PNG that claims to be enormous', png(255, 255, 255, 255, 0, 0, 0, 1), undefined],
  ['a PNG that is cut', base64(0x89, 0x50, 0x4e, 0x47), undefined],
  ['no base64', '§§§§', undefined],
  ['nothing', '', undefined],
])('%s', (_, text, size) => {
  expect(imageSize(text)).toEqual(size)
})
