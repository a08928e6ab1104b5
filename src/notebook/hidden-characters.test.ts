import { expect, test } from 'vitest'
import { showHidden } from './hidden-characters.ts'

test.each([
  ['a turn of direction', 'a\u{202e}b\u{2066}c\u{200f}', 'a\\u202eb\\u2066c\\u200f'],
  ['letters without width', 'a\u{200b}b\u{feff}c\u{2060}\u{ad}', 'a\\u200bb\\ufeffc\\u2060\\u00ad'],
  ['tags, with which a text can hide in a text', 'a\u{e0041}\u{e007f}', 'a\\u{e0041}\\u{e007f}'],
  ['selectors of variants in a row', '☀\u{fe0f}\u{fe01}\u{e0100}', '☀\u{fe0f}\\ufe01\\u{e0100}'],
  ['fillers', '\u{3164}\u{115f}', '\\u3164\\u115f'],
  ['controls', 'a\u{0}b\u{1b}c\u{7f}\u{85}', 'a␀b␛c\\u007f\\u0085'],
  ['a joiner between Latin letters', 'a\u{200d}b', 'a\\u200db'],
])('%s', (_, text, shown) => expect(showHidden(text)).toBe(shown))

test.each(['a\tb\nc', '👩‍🔬 👩🏽‍🚀 ☀️', 'نمی‌خواهم', 'क्‍ष', '日本語 äöü ±', '⠁⠀⠃'])('%s stays', (text) =>
  expect(showHidden(text)).toBe(text),
)
