import { describe, expect, test } from 'vitest'
import { openPictures } from './pictures.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const files: Record<string, Uint8Array> = {
  png: PNG,
  gif: Buffer.from('GIF89a…'),
  webp: Buffer.from('RIFF\x04\x00\x00\x00WEBPx'),
  svg: Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
  html: Buffer.from('<!doctype html><script>x</script>'),
  text: Buffer.from('a plain text'),
}
const readBlob = (name: string) => {
  const bytes = files[name]
  if (!bytes) throw new Error('missing')
  return bytes
}

describe('openPictures', () => {
  test.each([
    ['png', `data:image/png;base64,${PNG.toString('base64')}`],
    ['gif', 'data:image/gif;base64,'],
    ['webp', 'data:image/webp;base64,'],
    ['svg', 'data:image/svg+xml;base64,'],
  ])('%s is shown', (name, start) => expect(openPictures(readBlob).url(name, 100)).toContain(start))

  test.each(['html', 'text', 'gone'])('%s is no picture, whatever it is called, and takes no room', (name) => {
    const pictures = openPictures(readBlob, 100)
    expect(pictures.url(name, 100)).toBeUndefined()
    expect(pictures.leftOut).toEqual({ count: 0, bytes: 0 })
    expect(pictures.take(100)).toBe(true)
  })

  test('what has no room is counted once, and what comes again takes none', () => {
    const pictures = openPictures(readBlob, 250)
    expect(pictures.url('png', 100)).toBeDefined()
    expect(pictures.url('png', 100)).toBeDefined()
    expect(pictures.url('gif', 200)).toBeUndefined()
    expect(pictures.url('gif', 200)).toBeUndefined()
    expect(pictures.url('webp', 150)).toBeDefined()
    expect(pictures.take(1)).toBe(false)
    expect(pictures.leftOut).toEqual({ count: 2, bytes: 201 })
    expect([...pictures.urls.keys()]).toEqual(['png', 'webp'])
  })
})
