import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readableJson } from './readable-json.ts'

test.each<[string, unknown, string]>([
  ['what fits stands on a line', { a: [1, 'x', null], b: { c: {} } }, '{"a": [1, "x", null], "b": {"c": {}}}'],
  ['JSON as a text', '{"a":1}', '{"a": 1}'],
  ['a text that is no JSON', 'not {json', '"not {json"'],
  [
    'a long one is spread out',
    { a: 'x'.repeat(60), b: 'y'.repeat(60) },
    `{\n  "a": "${'x'.repeat(60)}",\n  "b": "${'y'.repeat(60)}"\n}`,
  ],
  ['nothing', undefined, 'null'],
])('%s', (_, value, expected) => {
  expect(readableJson(value)).toBe(expected)
})

test('many numbers share lines, none of them too long', () => {
  const text = readableJson(Array.from({ length: 200 }, (_, i) => i / 7))
  const lines = text.split('\n')
  expect(lines.length).toBeLessThan(60)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(104)
})

test('it is the same JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      fc.pre(typeof value !== 'string')
      expect(JSON.parse(readableJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('a huge one is not spread out', () => {
  const value = Array.from({ length: 100_000 }, (_, i) => i)
  expect(readableJson(value)).toBe(JSON.stringify(value))
})
