import { expect, test } from 'vitest'
import { stackText } from './terminal.ts'

test('a name that stands in an error’s stack is printed and does not act', () => {
  const text = stackText(new Error('ENAMETOOLONG: /workspace/\u001b]0;owned\u0007\u001b[31mx'))
  expect(text).toContain('ENAMETOOLONG: /workspace/')
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})
