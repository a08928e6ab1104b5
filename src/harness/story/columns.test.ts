import { assert, constantFrom, integer, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { breakHard, breakWords, clip, widthOf } from './columns.ts'

test.for([
  ['plain', 5],
  ['嵐が丘', 6],
  ['한국어', 6],
  ['e\u0301', 1],
  ['🙂', 2],
  // Joined emoji: terminals that do not join them show both.
  ['👩‍🔬', 4],
  ['❤️', 2],
  ['│ ▸', 3],
] as const)('%s takes %i columns', ([text, columns]) => expect(widthOf(text)).toBe(columns))

test.for([
  ['one two three', 7, ['one two', 'three']],
  ['- a list item that goes on', 14, ['- a list item', '  that goes on']],
  ['12. twelve and more', 12, ['12. twelve', '    and more']],
  ['ab cdefghij', 4, ['ab', 'cdef', 'ghij']],
  ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
  ['a 嵐嵐嵐嵐', 5, ['a', '嵐嵐', '嵐嵐']],
  ['', 10, ['']],
] as const)('words of %j at %i', ([text, columns, lines]) => expect(breakWords(text, columns)).toEqual(lines))

test('code and output are broken anywhere, best at a space, and keep their spaces', () => {
  expect(breakHard('    x = 1', 5)).toEqual(['    x', ' = 1'])
  expect(breakHard('a sentence that is printed', 18)).toEqual(['a sentence that ', 'is printed'])
  expect(breakHard('', 5)).toEqual([''])
})

test('what is too long ends in an ellipsis', () => {
  expect(clip('abcdef', 6)).toBe('abcdef')
  expect(clip('abcdefg', 6)).toBe('abcde…')
  expect(clip('嵐嵐嵐', 4)).toBe('嵐…')
})

test('no broken line is too wide, and nothing but spaces gets lost', () => {
  const text = string({ unit: constantFrom('a', ' ', '-', '嵐', '🙂', 'e\u0301', '\u200d', '9'), maxLength: 80 })
  assert(
    property(text, integer({ min: 4, max: 30 }), (whole, columns) => {
      for (const lines of [breakWords(whole, columns), breakHard(whole, columns)]) {
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
        expect(lines.join('').replaceAll(' ', '')).toBe(whole.replaceAll(' ', ''))
      }
      expect(breakHard(whole, columns).join('')).toBe(whole)
    }),
  )
})
