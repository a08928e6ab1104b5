import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame, fits, FrameError, FrameReader, MAX_BODY_BYTES, MAX_DATA_BYTES, MAX_HEAD_BYTES } from './frames.ts'

function prefix(head: number, body: number, data: number): Buffer {
  const bytes = Buffer.alloc(12)
  for (const [i, value] of [head, body, data].entries()) bytes.writeUInt32BE(value, 4 * i)
  return bytes
}

test('frames come out as they went in, however the bytes are cut', () => {
  const frames = fc.array(
    fc.record({ head: fc.record({ a: fc.string() }), body: fc.uint8Array(), data: fc.uint8Array() }),
    { maxLength: 5 },
  )
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 40 }), (given, step) => {
      const bytes = Buffer.concat(given.flatMap(({ head, body, data }) => encodeFrame(head, body, data)))
      const reader = new FrameReader()
      const got = []
      for (let at = 0; at < bytes.length; at += step) got.push(...reader.take(bytes.subarray(at, at + step)))
      expect(got.map(({ head, body, data }) => [head, Buffer.from(body), Buffer.from(data)])).toEqual(
        given.map(({ head, body, data }) => [head, Buffer.from(body), Buffer.from(data)]),
      )
      expect(reader.held).toBe(0)
    }),
  )
})

test.each([
  ['a head of nothing', prefix(0, 0, 0)],
  ['a head that is too long', prefix(MAX_HEAD_BYTES + 1, 0, 0)],
  ['a body that is too long', prefix(2, MAX_BODY_BYTES + 1, 0)],
  ['1 GB of data', prefix(2, 0, 1024 ** 3)],
  ['4 GB of everything', prefix(0xffffffff, 0xffffffff, 0xffffffff)],
  ['text', Buffer.from('GET / HTTP/1.1\r\n')],
])('%s is refused at its first bytes', (_, bytes) => {
  const reader = new FrameReader()
  expect(() => [...reader.take(bytes)]).toThrow(FrameError)
})

test('at its limits it is none too large: nothing is held but what has come', () => {
  const reader = new FrameReader()
  expect([...reader.take(prefix(MAX_HEAD_BYTES, MAX_BODY_BYTES, MAX_DATA_BYTES))]).toEqual([])
  expect(reader.held).toBe(0)
})

test('a head that is not JSON is refused', () => {
  const reader = new FrameReader()
  expect(() => [...reader.take(Buffer.concat([prefix(3, 0, 0), Buffer.from('{"a')]))]).toThrow(FrameError)
})

test('lengths of arrays are those of the data, or it is no call', () => {
  expect(fits([], new Uint8Array(0))).toBe(true)
  expect(fits([4, 0, 3], new Uint8Array(7))).toBe(true)
  expect(fits([4], new Uint8Array(7))).toBe(false)
  expect(fits([], new Uint8Array(1))).toBe(false)
})
