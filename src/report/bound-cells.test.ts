import { describe, expect, test } from 'vitest'
import type { Output } from '../notebook/nbformat.ts'
import { itemsOf, outputsOf } from '../notebook/outputs.ts'
import type { CellState } from '../run/fold-cells.ts'
import type { ToolCall } from '../run/fold-tools.ts'
import { boundCall, boundCell, openTexts, type Room } from './bound-cells.ts'
import { openPictures } from './pictures.ts'

const SHA = 'a'.repeat(64)
const PNG = Buffer.from('\x89PNG\r\n\x1a\n0123456789', 'latin1')

function room(texts = 1_000_000, pictures = 1_000_000): Room {
  const readBlob = (sha256: string) => {
    if (sha256 === SHA) return PNG
    if (sha256 === 'b'.repeat(64)) return Buffer.from('<p>from a file</p>')
    throw new Error('missing')
  }
  return { texts: openTexts(texts), pictures: openPictures(readBlob, pictures), readBlob }
}

function bounded(outputs: Output[], where = room()) {
  const cell = { source: 'code', outputs: outputsOf(outputs) } as CellState
  return itemsOf(boundCell(cell, where).outputs)
}
const display = (data: Record<string, unknown>): Output =>
  ({ output_type: 'display_data', data, metadata: {} }) as Output
const dataOf = (outputs: Output[], where?: Room) =>
  bounded(outputs, where).map((item) => (item.kind === 'data' ? item.output.data : item.kind))
const blob = (sha256: string, bytes: number, encoding = 'base64') => ({ blob: sha256, bytes, encoding })
const MARK = /left out of this report; it is in (notebook\.ipynb|artifacts\/[ab]{64})\]$/

describe('displays', () => {
  test.each([
    ['a picture and not its text', { 'image/png': 'aGk=', 'text/plain': '<Figure>' }, { 'image/png': 'aGk=' }],
    ['a picture that is a file', { 'image/png': blob(SHA, 20) }, { 'image/png': blob(SHA, 20) }],
    [
      'HTML and its text',
      { 'text/html': '<b>', 'text/plain': 'b', 'application/x': 'z' },
      { 'text/html': '<b>', 'text/plain': 'b' },
    ],
    ['HTML that is a file', { 'text/html': blob('b'.repeat(64), 20, 'text') }, { 'text/html': '<p>from a file</p>' }],
    ['a text', { 'text/plain': 'x' }, { 'text/plain': 'x' }],
  ])('%s', (_, data, kept) => expect(dataOf([display(data)])).toEqual([kept]))

  test.each([
    ['a picture', { 'image/png': 'a'.repeat(400), 'text/plain': '<Figure>' }, room(1000, 100)],
    ['a picture that is a file', { 'image/png': blob(SHA, 200) }, room(1000, 100)],
    ['a file that is no picture', { 'image/png': blob('b'.repeat(64), 20) }, room()],
    ['a file that is not there', { 'text/html': blob('c'.repeat(64), 20, 'text') }, room()],
    ['HTML', { 'text/html': 'x'.repeat(400), 'text/plain': 'kept' }, room(100)],
    ['text', { 'text/plain': 'x'.repeat(400) }, room(100)],
  ])('%s without room leaves a mark', (_, data, where) => {
    const [shown] = dataOf([display(data)], where) as Record<string, string>[]
    expect(Object.keys(shown!)).toEqual(['text/plain'])
    expect(shown!['text/plain']).toMatch(/left out of this report; it is in (notebook\.ipynb|artifacts\/[a-c]{64})\]$/)
  })
})

test('streams and tracebacks without room', () => {
  const outputs: Output[] = [
    { output_type: 'stream', name: 'stdout', text: 'x'.repeat(5000) },
    { output_type: 'error', ename: 'E', evalue: 'why', traceback: ['x'.repeat(50_000)] },
    { output_type: 'error', ename: 'E', evalue: 'why', traceback: ['short'] },
  ]
  const [stream, long, short] = bounded(outputs, room(100))
  expect(stream).toMatchObject({ kind: 'data', output: { data: { 'text/plain': expect.stringMatching(MARK) } } })
  expect(long).toMatchObject({ output: { ename: 'E', evalue: 'why', traceback: [expect.stringMatching(MARK)] } })
  expect(short).toMatchObject({ output: { traceback: ['short'] } })
})

test('what was left out is counted', () => {
  const where = room(100, 10)
  bounded([display({ 'image/png': 'a'.repeat(400) }), display({ 'text/plain': 'x'.repeat(400) })], where)
  expect(where.pictures.leftOut).toEqual({ count: 1, bytes: 300 })
  expect(where.texts.leftOut).toBe(400)
})

test('a call says what it said, or where that is', () => {
  const call = {
    input: { a: 1 },
    content: [
      { type: 'text', text: 'answer' },
      { type: 'image', mediaType: 'image/png', sha256: SHA, bytes: 20 },
    ],
  } as unknown as ToolCall
  expect(boundCall(call, room()).content).toEqual([
    { type: 'text', text: 'answer' },
    { type: 'text', text: `[a picture, 20 bytes: artifacts/${SHA}]` },
  ])
  expect(boundCall(call, room(3))).toMatchObject({
    input: null,
    content: [{ type: 'text', text: expect.stringContaining('it is in events.jsonl') }],
  })
})
