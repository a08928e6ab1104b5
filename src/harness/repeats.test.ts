import { expect, test } from 'vitest'
import type { ToolResult } from '../tools/tool.ts'
import { openRepeats } from './repeats.ts'

const call = (input: unknown = { code: 'x' }, name = 'execute_code') => ({ name, input })
const result = (text: string, structured: ToolResult['structured'] = {}): ToolResult => ({
  content: [{ type: 'text', text }],
  structured,
})

test.each<[string, [ReturnType<typeof call>, ToolResult][], number[]]>([
  [
    'the same',
    [
      [call(), result('a')],
      [call(), result('a')],
      [call(), result('a')],
    ],
    [1, 2, 3],
  ],
  [
    'another input',
    [
      [call(), result('a')],
      [call({ code: 'y' }), result('a')],
    ],
    [1, 1],
  ],
  [
    'another tool',
    [
      [call(), result('a')],
      [call({ code: 'x' }, 'run'), result('a')],
    ],
    [1, 1],
  ],
  [
    'another result',
    [
      [call(), result('a')],
      [call(), result('b')],
      [call(), result('b')],
    ],
    [1, 1, 2],
  ],
  [
    'another cell with the same output',
    [
      [call(), result('[c1] ok. 1', { cell: 'c1', status: 'ok' })],
      [call(), result('[c2] ok. 1', { cell: 'c2', status: 'ok' })],
    ],
    [1, 2],
  ],
  [
    'waiting for what runs on',
    Array.from({ length: 12 }, () => [
      call({ cell: 'c1' }, 'wait_cell'),
      result('…', { cell: 'c1', status: 'running' }),
    ]),
    Array.from({ length: 12 }, () => 0),
  ],
])('%s', (_, calls, counts) => {
  const repeats = openRepeats()
  expect(calls.map(([made, got]) => repeats.count(made, got))).toEqual(counts)
})
