import { describe, expect, it } from 'vitest'
import type { Output } from '../notebook/nbformat.ts'
import type { RunEvent } from '../run/events.ts'
import { cellsFromEvents, normalised, withoutCompute } from './cell-text.ts'

const stream = (name: 'stdout' | 'stderr', text: string): Output => ({ output_type: 'stream', name, text })
const display = (data: Record<string, string>, display_id?: string): Output => ({
  output_type: 'display_data',
  data,
  metadata: {},
  ...(display_id !== undefined && { display_id }),
})

function textOf(...outputs: Output[]): string {
  const events = [
    { type: 'cell-start', by: 'agent:a', session: 's', cell: 'c1', code: 'x', hidden: false },
    ...outputs.map((output) => ({ type: 'cell-output', by: 'system', session: 's', cell: 'c1', output })),
  ]
  return cellsFromEvents(events as RunEvent[]).c1!.text
}

describe('cellsFromEvents', () => {
  it.each<[string, Output[], string]>([
    ['writes in pieces', [stream('stdout', 'a'), stream('stdout', 'b\n')], 'ab\n'],
    [
      'stderr apart, whenever it came',
      [stream('stdout', 'a'), stream('stderr', 'w'), stream('stdout', 'b')],
      'ab\n[stderr]\nw',
    ],
    ['a picture by its kind', [display({ 'text/plain': '<Figure>', 'image/png': 'AAAA' })], '<Figure>\n[image/png]'],
    [
      'an error without its traceback',
      [{ output_type: 'error', ename: 'E', evalue: 'v', traceback: ['/path'] }],
      'E: v',
    ],
    [
      'what was cleared',
      [stream('stdout', 'a'), { output_type: 'clear_output', wait: false }, stream('stdout', 'b')],
      'b',
    ],
    [
      'an updated display',
      [
        display({ 'text/plain': '1' }, 'd'),
        { output_type: 'update_display_data', data: { 'text/plain': '2' }, metadata: {}, display_id: 'd' },
      ],
      '2',
    ],
    [
      'a large value',
      [
        {
          output_type: 'stream',
          name: 'stdout',
          text: { blob: 'e'.repeat(64), bytes: 3, encoding: 'text', head: 'h', tail: 't' },
        },
      ],
      expect.stringMatching(/^h\n.*sha256 of all [0-9a-f]{64}.*\nt$/s),
    ],
  ])('%s', (_, outputs, text) => {
    expect(textOf(...outputs)).toEqual(text)
  })

  it('is no longer than it needs to be, and still tells a difference in the middle', () => {
    const long = (middle: string) => textOf(stream('stdout', `${'a'.repeat(200_000)}${middle}${'\nb'.repeat(200_000)}`))
    expect(long('x').length).toBeLessThan(40_000)
    expect(long('x')).toBe(long('x'))
    expect(long('x')).not.toBe(long('y'))
    const medium = (middle: string) =>
      textOf(stream('stdout', `${'a\n'.repeat(15_000)}${middle}${'b\n'.repeat(15_000)}`))
    expect(medium('x')).not.toBe(medium('y'))
  })

  it('refuses two sessions, whose cells have the same ids', () => {
    const start = (session: string) => ({
      type: 'cell-start',
      by: 'agent:a',
      session,
      cell: 'c1',
      code: 'x',
      hidden: false,
    })
    expect(() => cellsFromEvents([start('s'), start('t')] as RunEvent[])).toThrow(
      expect.objectContaining({ code: 'recording-unsupported' }),
    )
  })
})

it.each([
  ['<function f at 0x7f3a2b1c9d40>', '<function f at 0x…>'],
  ['\u001B[31mred\u001B[0m', 'red'],
  ['flags 0xdeadbeef', 'flags 0xdeadbeef'],
  ['took 1.5 s in /tmp/x', 'took 1.5 s in /tmp/x'],
])('normalises %j to %j', (text, expected) => {
  expect(normalised(text)).toBe(expected)
})

it('what a run computes on is no output of a cell', () => {
  const shown = (python: string) =>
    textOf(
      stream('stdout', 'model = m\n'),
      display({ 'text/plain': `python ${python}, torch 2`, 'application/vnd.seer.compute+json': '{}' }),
      stream('stdout', 'ready'),
    )
  expect(shown('3.11.7')).not.toBe(shown('3.11.9'))
  expect(withoutCompute(shown('3.11.7'))).toBe(withoutCompute(shown('3.11.9')))
  expect(withoutCompute(shown('3.11.7'))).toBe('model = m\nready\n')
  expect(withoutCompute('python 3.11.7\nother')).toBe('python 3.11.7\nother')
})
