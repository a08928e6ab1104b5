import { PassThrough, Writable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import type { BadFrame } from './frame-limit.ts'
import { FramesReader, FramesWriter } from './messages.ts'

const ONE = { jsonrpc: '2.0', id: 1, result: { text: 'ä😀' } }
const TWO = { jsonrpc: '2.0', id: 2, result: 'x'.repeat(300_000) }

function framed(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message))
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body])
}

function reading() {
  const input = new PassThrough()
  const seen: unknown[] = []
  const bad: BadFrame[] = []
  const reader = new FramesReader(input, (what) => bad.push(what))
  const errors = vi.fn<() => void>()
  reader.onError(errors)
  reader.listen((message) => seen.push(message))
  return { input, seen, bad, errors, reader }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test.each([1, 2, 7, 64, 65_536, 1e9])('messages in pieces of %i bytes', async (size) => {
  const all = Buffer.concat([framed(ONE), framed(size < 64 ? ONE : TWO), framed(ONE)])
  const { input, seen, errors } = reading()
  for (let at = 0; at < all.length; at += size) input.write(all.subarray(at, at + size))
  await turn()
  expect(seen).toEqual([ONE, size < 64 ? ONE : TWO, ONE])
  expect(errors).not.toHaveBeenCalled()
})

test('a large one in many pieces is put together once, not with each piece', async () => {
  const large = { jsonrpc: '2.0', id: 1, result: 'x'.repeat(900_000) }
  const { input, seen } = reading()
  const concat = vi.spyOn(Buffer, 'concat')
  const all = framed(large)
  for (let at = 0; at < all.length; at += 1000) input.write(all.subarray(at, at + 1000))
  await turn()
  const copied = concat.mock.calls.filter(([parts]) => parts.length > 2)
  expect(copied).toHaveLength(1)
  concat.mockRestore()
  expect(seen).toEqual([large])
})

test('what is no frame is told, and nothing after it is read', async () => {
  const { input, seen, bad, reader } = reading()
  input.write(framed(ONE))
  input.write('Content-Length: 1000000000\r\n\r\n')
  await turn()
  expect(bad).toMatchObject([{ kind: 'too-large' }])
  reader.dispose()
  input.write(framed(ONE))
  await turn()
  expect(seen).toEqual([ONE])
})

test('what is no JSON is an error', async () => {
  const { input, seen, errors } = reading()
  input.write('Content-Length: 3\r\n\r\n{"a')
  await turn()
  expect(errors).toHaveBeenCalledTimes(1)
  expect(seen).toEqual([])
})

test('a message is written in one piece', async () => {
  const pieces: Buffer[] = []
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      pieces.push(chunk)
      done()
    },
  })
  await new FramesWriter(output).write(ONE)
  expect(pieces.map(String)).toEqual([framed(ONE).toString()])
})

test('one that cannot be written is an error of that write, and of the stream', async () => {
  const output = new Writable({ write: (_, __, done) => done(new Error('EPIPE')) })
  const writer = new FramesWriter(output)
  const errors = vi.fn<() => void>()
  writer.onError(errors)
  await expect(writer.write(ONE)).rejects.toThrow('EPIPE')
  await turn()
  expect(errors).toHaveBeenCalledTimes(1)
})
