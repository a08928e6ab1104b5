import { expect, test } from 'vitest'
import { MAX_DEPTH, problemOfJson } from './json-text.ts'

const problem = (text: string) => problemOfJson(Buffer.from(text))
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

test.each(['{}', '[1, 2.50, -0.0, 1e400]', '"a\\"[["', '{"__proto__": 1}', 'null', nested(MAX_DEPTH)])('%s', (text) => {
  expect(problem(text)).toBeUndefined()
})

test.each(['', '{', 'NaN', '{"a": undefined}', '[1,]', '"\\x"', '\u0000', '{}{}'])('%j is not JSON', (text) => {
  expect(problem(text)).toBe('it is not JSON')
})

test('brackets in texts are not depth, also behind a backslash', () => {
  expect(problem(JSON.stringify('['.repeat(1000)))).toBeUndefined()
  expect(problem(`["\\\\", ${nested(MAX_DEPTH - 1)}]`)).toBeUndefined()
  expect(problem(`["\\\\", ${nested(MAX_DEPTH)}]`)).toMatch('deep')
  expect(problem(`["\\"[[", ${nested(MAX_DEPTH - 1)}]`)).toBeUndefined()
})

test('a million deep is told, and nothing overflows', () => {
  expect(problem(nested(1_000_000))).toBe('it is nested more than 100 deep')
  expect(problem('{"a":'.repeat(1_000_000))).toBe('it is nested more than 100 deep')
})
