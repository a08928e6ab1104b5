import { expect, test } from 'vitest'
import type { Output } from '../notebook/nbformat.ts'
import { lastLine } from './last-line.ts'

const stream = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text })

test.each<[string, string | undefined]>([
  ['one\ntwo\n', 'two'],
  ['one\n\n  \n', 'one'],
  ['\n', undefined],
  ['', undefined],
  [' 10%|#  |\r 20%|## |', '20%|## |'],
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b]0;title\u0007shown', 'shown'],
  ['a\u202eb\u200bc', 'a\\u202eb\\u200bc'],
  ['x'.repeat(1000), `${'x'.repeat(200)}…`],
])('%j: %j', (text, line) => expect(lastLine(stream(text))).toBe(line))

test('of a large output, its end; of what shows no words, nothing', () => {
  const blob = { blob: 'a'.repeat(64), bytes: 10, encoding: 'text' as const }
  expect(lastLine({ output_type: 'stream', name: 'stderr', text: { ...blob, tail: 'a\nb' } })).toBe('b')
  expect(lastLine({ output_type: 'stream', name: 'stderr', text: blob })).toBeUndefined()
  expect(lastLine({ output_type: 'display_data', data: { 'text/plain': 'x' }, metadata: {} })).toBeUndefined()
})
