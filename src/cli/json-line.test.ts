import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonLine } from './json-line.ts'

test('what acts on a terminal is an escape, and is read back as it was', () => {
  expect(jsonLine({ a: '\u{9b}2J\u{7f}\u{202e}\u{e0041}\u{1b}"\n' })).toBe(
    '{"a":"\\u009b2J\\u007f\\u202e\\udb40\\udc41\\u001b\\"\\n"}',
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(JSON.parse(jsonLine([text]))).toEqual([text])
      expect(jsonLine([text])).not.toMatch(/\p{Cc}|\u202e/u)
    }),
  )
})
