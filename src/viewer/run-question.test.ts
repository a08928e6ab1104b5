import { expect, test } from 'vitest'
import { firstParagraph } from './run-question.ts'

test.each<[string, string, string | null]>([
  ['a paragraph', 'Find out\nwhether **this** `model` knows.\n\nThen stop.', 'Find out whether this model knows.'],
  ['a heading before it', '# Task\n\n---\n\nFind out.', 'Find out.'],
  ['a heading right above it', '# Task\nFind out.', 'Find out.'],
  ['nothing but headings', '# Task\n\n## Part\n', null],
  ['nothing', '', null],
  ['a long one', `${'word '.repeat(100)}\n\nmore`, `${'word '.repeat(47)}word …`],
  ['a long one without a space', 'x'.repeat(500), `${'x'.repeat(120)} …`],
])('%s', (_, markdown, expected) => expect(firstParagraph(markdown)).toBe(expected))
