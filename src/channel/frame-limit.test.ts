import { assert, integer, array, property, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { FrameLimit } from './frame-limit.ts'
import { MAX_MESSAGE_BYTES } from './protocol-parts.ts'

const frame = (body: Uint8Array) => Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body])
const taken = (text: string, limit = new FrameLimit()) => limit.take(Buffer.from(text))

test('good frames pass, however they are cut into chunks, whatever is in them', () => {
  assert(
    property(
      array(uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      array(integer({ min: 1, max: 90 })),
      (bodies, cuts) => {
        const limit = new FrameLimit()
        let rest = Buffer.concat(bodies.map(frame))
        for (const cut of [...cuts, rest.length]) {
          expect(limit.take(rest.subarray(0, cut))).toBeUndefined()
          rest = rest.subarray(cut)
        }
        // It still knows where a frame begins.
        expect(limit.take(Buffer.from('Content-Length: 999999999\r\n\r\n'))).toMatchObject({ kind: 'too-large' })
      },
    ),
  )
})

test('the largest message passes, in 64 KiB chunks', () => {
  const limit = new FrameLimit()
  const bytes = frame(Buffer.alloc(MAX_MESSAGE_BYTES))
  for (let at = 0; at < bytes.length; at += 65536) expect(limit.take(bytes.subarray(at, at + 65536))).toBeUndefined()
})

test.each([
  ['a forged length', 'Content-Length: 1000000000\r\n\r\n', 'too-large'],
  ['a length just over the limit', `Content-Length: ${MAX_MESSAGE_BYTES + 64 * 1024 + 1}\r\n\r\n`, 'too-large'],
  ['a header without end', 'x'.repeat(5000), 'too-large'],
  ['a header in a good one’s wake', 'Content-Length: 2\r\n\r\n{}Content-Length: 1000000000\r\n\r\n', 'too-large'],
  ['two lengths', 'Content-Length: 2\r\nContent-Length: 1000000000\r\n\r\n', 'no-frame'],
  ['a length in another notation', 'Content-Length: 1e9\r\n\r\n', 'no-frame'],
  ['a negative length', 'Content-Length: -1\r\n\r\n', 'no-frame'],
  ['a greeting', 'Welcome!\r\n\r\n', 'no-frame'],
])('%s', (_, text, kind) => {
  expect(taken(text)).toMatchObject({ kind })
  const limit = new FrameLimit()
  const said = text.split('').map((character) => taken(character, limit))
  expect(said.find(Boolean)).toMatchObject({ kind })
})
