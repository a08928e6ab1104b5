import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collapse, neutralise, safeCut, stripAnsi, writeToTerminal } from './terminal-text.ts'

describe('collapse', () => {
  test.each([
    ['plain', 'a\nb', 'a\nb'],
    ['a progress bar', '  0%|   |\r 50%|#  |\r100%|## |\ndone\n', '100%|## |\ndone\n'],
    ['shorter over longer', 'loading\rok', 'okading'],
    ['the middle one is the longest', 'ab\rabcdef\rx', 'xbcdef'],
    ['Windows line ends', 'a\r\nb\r\n', 'a\nb\n'],
    ['carriage return at the end', 'abc\r', 'abc'],
    ['carriage return before the newline, split', 'abc\r\ndef', 'abc\ndef'],
    ['backspace', 'abc\b\bX', 'aXc'],
    ['backspace at the start', '\b\bX', 'X'],
    ['erase to the end of the line', 'loading\r\u{1b}[Kok', 'ok'],
    ['erase the line', 'loading\u{1b}[2K\rok', 'ok     '],
    ['colours take no columns', '\u{1b}[31mred\u{1b}[0m\rblue', '\u{1b}[0mblue'],
    ['a colour goes with the character after it', 'a\u{1b}[31mb\u{1b}[0m', 'a\u{1b}[31mb\u{1b}[0m'],
    ['characters of two units', '😀😀\rab', 'ab'],
    ['and over them', 'ab\r😀', '😀b'],
  ])('%s', (_, text, shown) => {
    expect(collapse(text)).toBe(shown)
  })

  test('what comes in parts is what comes at once, also for a cut at any place', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', '\r', '\n', '\b', '😀', '\u{1b}[1m', '\u{1b}[K'),
      maxLength: 30,
    })
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        // A return and a newline in two writes: a terminal sees no difference, and neither may we.
        const state = { line: '', column: null as number | null }
        let settled = ''
        for (const text of parts) writeToTerminal(state, text, (whole) => (settled += whole))
        expect(stripAnsi(settled + state.line)).toBe(stripAnsi(collapse(parts.join(''))))
      }),
    )
  })

  test('both ways of overwriting agree', () => {
    const unit = fc.constantFrom('a', 'b', 'c', '\r', '\n')
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        // An escape sequence sends it the slow way.
        expect(stripAnsi(collapse(`\u{1b}[m${text}`))).toBe(collapse(text))
      }),
    )
  })

  test('a megabyte of returns over a long line takes no time', () => {
    const began = performance.now()
    collapse(`${'x'.repeat(30_000)}${'\rY'.repeat(500_000)}`)
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test('a line that never ends is settled in parts', () => {
    const state = { line: '', column: null as number | null }
    let settled = 0
    for (let i = 0; i < 1000; i++) writeToTerminal(state, 'x'.repeat(1000), (text) => (settled += text.length))
    expect(settled + state.line.length).toBe(1_000_000)
    expect(state.line.length).toBeLessThan(40_000)
  })
})

test('stripAnsi', () => {
  expect(stripAnsi('\u{1b}[0;31mValueError\u{1b}[0m: \u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}')).toBe(
    'ValueError: link',
  )
})

test('neutralise leaves nothing that acts', () => {
  expect(neutralise('a\u{1b}]0;title\u{7}b\u{1b}[2J\tc\n')).toBe('ab\tc\n')
  expect(neutralise('x\u{7}\r\u{202e}y\u{9b}')).toBe('x␇␍\\u202ey\\u009b')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(neutralise(text)).not.toMatch(/[^\P{Cc}\n\t]|\u202e/u)
    }),
  )
})

test('safeCut never halves a character', () => {
  expect(safeCut('a😀b', 2)).toBe(1)
  expect(safeCut('a😀b', 3)).toBe(3)
  expect(safeCut('a😀b', 0)).toBe(0)
})
