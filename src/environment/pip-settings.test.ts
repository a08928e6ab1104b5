import { expect, test } from 'vitest'
import { parseSettings } from './pip-settings.ts'

test('a file is read as Python reads it', () => {
  const text = `
; a comment
[global]
  # another
Find_Links = /a
    /b # not a comment

    /c
index-url: https://x.test/simple?a=b
--no-index=true
[freeze]
timeout = 10
nonsense
`
  expect(parseSettings(text)).toEqual([
    ['global', 'find-links', '/a\n/b # not a comment\n/c'],
    ['global', 'index-url', 'https://x.test/simple?a=b'],
    ['global', 'no-index', 'true'],
    ['freeze', 'timeout', '10'],
  ])
})
