import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { stripEscapes } from './escapes.ts'

test.each([
  ['colours', '\u{1b}[0;31mred\u{1b}[0m', 'red'],
  ['8-bit controls', '\u{9b}31mred\u{9d}0;title\u{9c}', 'red'],
  ['a private mode, and one with intermediate bytes', '\u{1b}[?1049ha\u{1b}[1 qb', 'ab'],
  ['a title', '\u{1b}]0;a title with spaces, äöü\u{7}b', 'b'],
  ['a link', '\u{1b}]8;id=1;https://a.example/\u{1b}\\text\u{1b}]8;;\u{1b}\\', 'text'],
  ['the clipboard', '\u{1b}]52;c;aGk=\u{7}x', 'x'],
  ['a device control string', '\u{1b}P1$r0m\u{1b}\\x', 'x'],
  ['character sets, keypad, reset', '\u{1b}(B\u{1b}=\u{1b}cx', 'x'],
  ['a string without an end hides nothing', '\u{1b}]0;no end\nnext line', '0;no end\nnext line'],
  ['nothing to do', 'plain [31m text', 'plain [31m text'],
])('%s', (_, text, stripped) => expect(stripEscapes(text)).toBe(stripped))

test.each(['\u{1b}]8;;', '\u{9d}', '\u{1b}[0', '\u{1b}', '\u{1b}]a', '\u{1b}P\u{9b}'])(
  'takes time in step with the length: %j',
  (part) => {
    const began = performance.now()
    stripEscapes(part.repeat(200_000) + 'x'.repeat(200_000))
    expect(performance.now() - began).toBeLessThan(2000)
  },
)

test('text without controls is left as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(stripEscapes(text)).toBe(text)
    }),
  )
})
