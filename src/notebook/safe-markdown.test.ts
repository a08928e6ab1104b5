import { assert, property, string, constantFrom } from 'fast-check'
import { expect, test } from 'vitest'
import { plain, quoted, safeMarkdown } from './safe-markdown.ts'

test.each([
  ['<img src=x onerror=alert(1)>', '<\u200bimg src=x onerror=alert(1)>'],
  ['`</details>` and <!-- x', '`<\u200b/details>` and <\u200b!-- x'],
  ['![beacon](http://x/y.png)', '!\u200b[beacon](http://x/y.png)'],
  ['# A heading, `a < b`, <|endoftext|>, 1<2', '# A heading, `a < b`, <|endoftext|>, 1<2'],
  ['a\r\nb\rc', 'a\nb\nc'],
  ['\u001b[31mred\u001b[0m \u202eright to left', 'red \\u202eright to left'],
])('%j', (given, expected) => expect(safeMarkdown(given)).toBe(expected))

test('no text makes a tag or a picture, and every line of it stays in its quotation', () => {
  const text = string({
    unit: constantFrom('<', '/', 'a', '!', '[', '\n', '\r', '`', '>', ' ', '\u2028'),
    maxLength: 60,
  })
  assert(
    property(text, (given) => {
      const lines = quoted(given).split('\n')
      for (const line of lines) expect(line).toMatch(/^>( |$)/)
      expect(lines.join('\n')).not.toMatch(/<[A-Za-z/!?]|!\[|[\r\u2028]/)
    }),
  )
})

test('plain text is one line without markdown, and not endless', () => {
  expect(plain('a\n# b **c** <img>')).toBe('a \\# b \\*\\*c\\*\\* \\<img\\>')
  expect(plain('x'.repeat(5000))).toHaveLength(1001)
})
