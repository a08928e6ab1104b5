import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Connection } from '../../channel/host-connection.ts'
import type { Params, Result } from '../../channel/protocol.ts'
import { endOf, readOutput, ReadSoFar, type OutputChunk } from './process-output.ts'

/** A host that has all of the output, and answers with at most so many bytes at once. */
function printed(stdout: Uint8Array, stderr: Uint8Array, perRead: number): Connection {
  return {
    request: (_method, params) => {
      const { stdout: out, stderr: err } = params as Params<'process/read'>
      const parts = { stdout: stdout.subarray(out, out + perRead), stderr: stderr.subarray(err, err + perRead) }
      const isLast = out + perRead >= stdout.length && err + perRead >= stderr.length
      const ended = isLast ? { exitCode: 0, signal: null, lost: 0, durationMs: 1 } : null
      const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
      const answer: Result<'process/read'> = { stdout: base64(parts.stdout), stderr: base64(parts.stderr), ended }
      return Promise.resolve(answer as never)
    },
  }
}

async function readAll(connection: Connection, so: ReadSoFar, signal = new AbortController().signal) {
  const chunks: OutputChunk[] = []
  for await (const chunk of readOutput(connection, 'p', so, signal)) chunks.push(chunk)
  const textOf = (name: string) => chunks.flatMap(({ stream, text }) => (stream === name ? [text] : [])).join('')
  return { chunks, stdout: textOf('stdout'), stderr: textOf('stderr') }
}

const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => `\u{feff}${value}`)

test('characters are whole, wherever a read ends', async () => {
  await fc.assert(
    fc.asyncProperty(text, text, fc.integer({ min: 1, max: 9 }), async (stdout, stderr, perRead) => {
      const so = new ReadSoFar()
      const read = await readAll(printed(Buffer.from(stdout), Buffer.from(stderr), perRead), so)
      expect([read.stdout, read.stderr]).toEqual([stdout.toWellFormed(), stderr.toWellFormed()])
      expect(read.chunks.every((chunk) => chunk.text !== '' && chunk.text.isWellFormed())).toBe(true)
      expect(so.ends).toEqual({ stdout: read.stdout, stderr: read.stderr, omittedBytes: 0 })
    }),
  )
})

test('half a character at the end is told as what it is', async () => {
  const half = Buffer.from('a💡').subarray(0, 3)
  expect((await readAll(printed(half, Buffer.alloc(0), 2), new ReadSoFar())).stdout).toBe('a\u{fffd}')
})

test('of a long text the end is kept, and the rest is counted', async () => {
  const so = new ReadSoFar()
  const stdout = `${'x'.repeat(20_000)}💡${'y'.repeat(8191)}`
  await readAll(printed(Buffer.from(stdout), Buffer.from('err'), 5000), so)
  expect(so.ends).toEqual({ stdout: 'y'.repeat(8191), stderr: 'err', omittedBytes: 20_004 })
})

test('who stops and goes on has each byte once', async () => {
  const connection = printed(Buffer.from('0123456789'), Buffer.from('abcdefghij'), 4)
  const so = new ReadSoFar()
  const first: OutputChunk[] = []
  for await (const chunk of readOutput(connection, 'p', so, new AbortController().signal)) {
    first.push(chunk)
    // Between the two streams of one answer.
    if (first.length === 3) break
  }
  const rest = await readAll(connection, so)
  expect(first.map(({ text: part }) => part)).toEqual(['0123', 'abcd', '4567'])
  expect([rest.stdout, rest.stderr]).toEqual(['89', 'efghij'])
})

test('after an abort nothing moves, also what had come', async () => {
  const so = new ReadSoFar()
  const stop = new AbortController()
  const reason = new Error('enough')
  const chunks = readOutput(printed(Buffer.from('0123'), Buffer.from('abcd'), 2), 'p', so, stop.signal)
  expect((await chunks.next()).value).toEqual({ stream: 'stdout', text: '01' })
  stop.abort(reason)
  await expect(chunks.next()).rejects.toBe(reason)
  expect(so.at).toEqual({ stdout: 2, stderr: 0 })
})

test('an end of a text has no half of a character', () => {
  expect(endOf('ab💡', 3)).toBe('b💡')
  expect(endOf('ab💡c', 2)).toBe('c')
  expect(endOf('ab', 3)).toBe('ab')
})
