import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hostErrors, journalRecordSchema, methods } from './protocol.ts'
import { MAX_CHUNK_BYTES, MAX_MESSAGE_BYTES } from './protocol-parts.ts'

const stamp = { seq: 1, at: 1, session: 's1', generation: 1 }

test.each(Object.entries(methods))(
  '%s says why it may be repeated, and has a deadline',
  (name, { repeat, deadlineMs }) => {
    expect(name).toMatch(/^[a-z]+\/[a-z]+$/)
    expect(repeat.length).toBeGreaterThan(5)
    expect(deadlineMs).toBeGreaterThanOrEqual(10_000)
  },
)

test('a read may wait as long as it asks, and still be answered before its deadline', () => {
  const longest = 60_000
  const read = { after: 0, maxBytes: 1, waitMs: longest }
  expect(methods['journal/read'].params.safeParse(read).success).toBe(true)
  expect(methods['journal/read'].params.safeParse({ ...read, waitMs: longest + 1 }).success).toBe(false)
  expect(methods['journal/read'].deadlineMs).toBeGreaterThan(longest + 10_000)
})

test('a chunk of a blob, in base64 and with its envelope, fits a message', () => {
  expect(Math.ceil(MAX_CHUNK_BYTES / 3) * 4 + 1024).toBeLessThan(MAX_MESSAGE_BYTES)
})

test.each([
  ['journal/read', { after: 0, maxBytes: MAX_MESSAGE_BYTES + 1, waitMs: 0 }],
  ['journal/read', { after: -1, maxBytes: 1, waitMs: 0 }],
  ['blob/read', { sha256: 'a'.repeat(64), offset: 0, length: MAX_CHUNK_BYTES + 1 }],
  ['blob/read', { sha256: '../journal.jsonl', offset: 0, length: 1 }],
  ['kernel/execute', { session: 's1', generation: 1, cell: 'c1', code: 'x'.repeat(512 * 1024 + 1) }],
  ['kernel/execute', { session: 's1', generation: 0, cell: 'c1', code: '' }],
  ['kernel/interrupt', { session: 's1', generation: 1, cell: 'c1', how: 'kill' }],
  ['kernel/interrupt', { session: 's1', generation: 1, how: 'signal' }],
  ['kernel/peek', { session: 's1', generation: 1, peek: 'p1', code: 'x'.repeat(16 * 1024 + 1), seconds: 5 }],
  ['kernel/peek', { session: 's1', generation: 1, peek: 'p1', code: '1', seconds: 21 }],
  ['kernel/peek', { session: 's1', generation: 1, peek: 'p1', code: '1', seconds: 0 }],
  ['kernel/peek', { session: 's1', generation: 1, code: '1', seconds: 5 }],
  ['host/hello', { token: 'x' }],
] as const)('%s refuses %j', (name, params) => {
  expect(methods[name].params.safeParse(params).success).toBe(false)
})

test.each([
  ['s1', true],
  ['a'.repeat(64), true],
  ['a'.repeat(65), false],
  ['', false],
  ['-s', false],
  ['../s', false],
  ['s/1', false],
  ['s1\n', false],
  ['ß', false],
])('%j as an id: %s', (session, ok) => {
  expect(journalRecordSchema.safeParse({ ...stamp, session, kind: 'kernel-ready', pid: 1 }).success).toBe(ok)
})

test.each([
  ['no kind', stamp],
  ['an unknown kind', { ...stamp, kind: 'cell-erase', cell: 'c1' }],
  ['no number', { ...stamp, seq: undefined, kind: 'kernel-ready', pid: 1 }],
  ['the number 0', { ...stamp, seq: 0, kind: 'kernel-ready', pid: 1 }],
  ['a number beyond what JavaScript counts exactly', { ...stamp, seq: 2 ** 60, kind: 'kernel-ready', pid: 1 }],
  [
    'a cell that ended in no known way',
    { ...stamp, kind: 'cell-end', cell: 'c1', status: 'fine', executionCount: 1, durationMs: 1 },
  ],
  [
    'time that runs backwards',
    { ...stamp, kind: 'cell-end', cell: 'c1', status: 'ok', executionCount: 1, durationMs: -1 },
  ],
  ['an output of no known kind', { ...stamp, kind: 'output', cell: 'c1', output: { output_type: 'script', src: 'x' } }],
])('a record with %s is refused', (_, record) => {
  expect(journalRecordSchema.safeParse(record).success).toBe(false)
})

test('garbage is refused and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.object()), (value) => {
      expect(journalRecordSchema.safeParse(value).success).toBe(false)
    }),
  )
})

test('each error of the host has its own code, in the range that JSON-RPC leaves to servers', () => {
  const codes = Object.values(hostErrors)
  expect(new Set(codes).size).toBe(codes.length)
  expect(codes.every((code) => code <= -32000 && code >= -32099)).toBe(true)
})
