import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Output } from './nbformat.ts'
import { outputsOf } from './outputs.ts'
import { readOutput } from './read-output.ts'

const out = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text })
const noBlobs = () => {
  throw new Error('no such file')
}

const from = (messages: Output[]) =>
  [outputsOf(messages), () => messages.map((output) => ({ output, late: false }))] as const

/** Reads everything in steps, as a model would. */
async function readAll(
  messages: Output[],
  maxBytes: number,
  readBlob: Parameters<typeof readOutput>[2]['readBlob'] = noBlobs,
): Promise<string> {
  let text = ''
  for (let at: number | null = 0; at !== null;) {
    const stretch = await readOutput(...from(messages), { from: at, maxBytes, readBlob })
    text += stretch.text
    at = stretch.next
  }
  return text
}

test('a long stream is read whole, also its middle that is not in memory', async () => {
  const chunks = Array.from({ length: 400 }, (_, i) => `${i}: ${'€ü😀x'.repeat(100)}\n`)
  expect(await readAll(chunks.map(out), 50_001)).toBe(chunks.join(''))
})

test('a part that is a file is read from the file, and only where it is wanted', async () => {
  const file = Buffer.from('ABCDEFGHIJ'.repeat(30_000))
  const ranges: number[] = []
  const readBlob = (_: string, range?: { from: number; to: number }) => {
    ranges.push(range!.to - range!.from)
    return file.subarray(range!.from, range!.to)
  }
  const blob = { blob: 'a'.repeat(64), bytes: file.length, encoding: 'text' as const, head: 'ABCDE', tail: 'FGHIJ' }
  const messages = [out('before\n'), { ...out(''), text: blob } as Output, out('after\n')]
  expect(await readAll(messages, 40_000, readBlob)).toBe(`before\n${file.toString()}after\n`)
  expect(Math.max(...ranges)).toBeLessThanOrEqual(40_000)
})

test('what was cleared is not read', async () => {
  const messages: Output[] = [
    out('x'.repeat(300_000)),
    { output_type: 'clear_output', wait: false },
    out('y'.repeat(300_000)),
  ]
  expect(await readAll(messages, 100_000)).toBe('y'.repeat(300_000))
})

test('steps of any size give the same text', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme', maxLength: 50 }),
      fc.integer({ min: 4, max: 20 }),
      async (text, step) => {
        fc.pre(!/[\p{Cc}]/u.test(text))
        expect(await readAll([out(text)], step)).toBe(text)
      },
    ),
  )
})

test('beyond the end there is nothing', async () => {
  expect(await readOutput(...from([out('abc')]), { from: 99, readBlob: noBlobs })).toEqual({
    text: '',
    from: 3,
    next: null,
    totalBytes: 3,
  })
})
