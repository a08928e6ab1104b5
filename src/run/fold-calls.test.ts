import { expect, test } from 'vitest'
import type { RunEvent } from './events.ts'
import { callsFold, keyOf } from './fold-calls.ts'
import { fold } from './fold.ts'

const base = { at: '2026-01-01T00:00:00.000Z', run: 'r', by: 'agent:a' } as const
const about = { interface: 'tools', function: 'f' }
const args = { text: '{}', bytes: 2 }
const start = (seq: number, call: string): RunEvent => ({
  ...base,
  seq,
  type: 'call-start',
  call,
  ...about,
  from: 'library',
  session: 's1',
  cell: 'c4',
  args,
})

test('a call is told with where it came from, and how it ended', () => {
  const events: RunEvent[] = [
    start(1, 'f1'),
    start(2, 'f2'),
    {
      ...base,
      seq: 3,
      type: 'call-end',
      call: 'f1',
      ...about,
      status: 'ok',
      durationMs: 2,
      result: { text: '1', bytes: 1 },
    },
    {
      ...base,
      seq: 4,
      type: 'call-end',
      call: 'f2',
      ...about,
      status: 'error',
      durationMs: 3,
      error: { kind: 'raised', message: 'no' },
    },
  ]
  const { calls, open } = fold(callsFold, events)
  expect(calls[keyOf('f1')]).toMatchObject({
    session: 's1',
    cell: 'c4',
    status: 'ok',
    result: { text: '1' },
    error: null,
  })
  expect(calls[keyOf('f2')]).toMatchObject({ status: 'error', result: null, error: { kind: 'raised' } })
  expect(open).toEqual({})
})

test('a run that ended first leaves a call without a known end, and an end without a start says nothing', () => {
  const events: RunEvent[] = [
    start(1, '__proto__'),
    { ...base, seq: 2, type: 'call-end', call: 'f9', ...about, status: 'ok', durationMs: 0 },
    { ...base, seq: 3, type: 'run-end', status: 'crashed', durationMs: 1 },
  ]
  const { calls } = fold(callsFold, events)
  expect(Object.keys(calls)).toEqual([keyOf('__proto__')])
  expect(calls[keyOf('__proto__')]?.status).toBe('unknown')
})
