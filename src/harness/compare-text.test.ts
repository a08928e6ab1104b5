import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareText, tokens } from './compare-text.ts'

const RTOL = 1e-4
const verdict = (a: string, b: string) => compareText(a, b, RTOL).verdict
const numbersOf = (text: string) => tokens(text).flatMap((token) => (token.number ? [token.text] : []))

describe('tokens', () => {
  it.each([
    ['loss 0.25, then -1.5e-05.', ['0.25', '-1.5e-05']],
    ['tensor([1., -2.5, nan, -inf])', ['1.', '-2.5', 'nan', '-inf']],
    ['1,234 and 12,345,678.9 in all', ['1,234', '12,345,678.9']],
    ['[1,234] {5,678.5}', ['1', '234', '5', '678.5']],
    ['torch 2.13.0+cpu, v1.2.3', []],
    ['layer12 3x 12ms h_3 0xff 1_000', []],
    ['2026-11-23 3-4 (1)-2', ['2026', '11', '23', '3', '4', '1', '2']],
    ['x=.5 y=+3', ['.5', '+3']],
    ['information on nanotubes', []],
  ])('finds the numbers of %j', (text, numbers) => {
    expect(numbersOf(text)).toEqual(numbers)
  })

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(
          tokens(text)
            .map((token) => token.text)
            .join(''),
        ).toBe(text)
      }),
    )
  })
})

describe('compareText', () => {
  it.each<[string, string, string]>([
    ['1.0', '1.00005', 'within-tolerance'],
    ['1.0', '1.001', 'differs'],
    ['-1.5e-05', '-1.50001e-05', 'within-tolerance'],
    ['-1.5e-05', '1.5e-05', 'differs'],
    ['0.00001', '1e-05', 'exact'],
    ['0.0', '1e-9', 'within-tolerance'],
    ['0.0', '1e-7', 'differs'],
    ['1e-9', '2e-9', 'differs'],
    ['nan', 'nan', 'exact'],
    ['nan', '1.0', 'differs'],
    ['inf', 'inf', 'exact'],
    ['inf', '-inf', 'differs'],
    ['inf', '1e300', 'differs'],
    ['token 49152', 'token 49153', 'differs'],
    ['12345678901234567890', '12345678901234567891', 'differs'],
    ['1,234,567', '1,234,568', 'differs'],
    ['1,234,567', '1234567', 'exact'],
    ['sum 12,345.678 x', 'sum 12,345.679 x', 'within-tolerance'],
    ['[1,234.5]', '[1,234.6]', 'differs'],
    ['version 1.2.30000', 'version 1.2.30001', 'differs'],
    ['12.0001ms', '12.0002ms', 'differs'],
    ['1.0 1.0', '1.0', 'differs'],
    ['a 1.0', 'b 1.0', 'differs'],
    ['', 'x', 'differs'],
    ['3', '3.0001', 'within-tolerance'],
  ])('%s against %s: %s', (a, b, expected) => {
    expect(verdict(a, b)).toBe(expected)
    expect(verdict(b, a)).toBe(expected)
  })

  it('says by how much, and where', () => {
    expect(compareText('a 1.0 b 2.0', 'a 1.00001 b 2.0', RTOL).largestRelative).toBeCloseTo(1e-5, 9)
    expect(compareText('norm: 1.5', 'norm: 2.5', RTOL)).toMatchObject({ verdict: 'differs', detail: 'norm: 1.5 → 2.5' })
    expect(compareText('the cat sat', 'the cow sat', RTOL)).toMatchObject({ detail: '"the cat sat" → "the cow sat"' })
    const long = compareText('x'.repeat(10_000), 'y'.repeat(10_000), RTOL)
    expect(long.verdict === 'differs' && long.detail.length).toBeLessThan(200)
  })

  // Texts of words and numbers in the notations that Python prints.
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => String(x)),
    fc.double({ min: 1e-6, max: 1e6, noNaN: true }).map((x) => x.toFixed(4)),
    fc.double({ min: 1e-12, max: 1e12, noNaN: true }).map((x) => x.toExponential(3)),
    fc.integer().map(String),
    fc.integer({ min: 1_000 }).map((n) => n.toLocaleString('en-US')),
    fc.constantFrom('nan', 'inf', '-inf'),
  )
  const word = fc.constantFrom('loss', 'layer', '=', 'is', '1.2.3', '[', ']', '\n', 'c1', ':')
  const words = fc.array(fc.oneof(word, number), { maxLength: 12 })

  it('calls identical texts exact', () => {
    const text = fc.oneof(
      words.map((parts) => parts.join(' ')),
      fc.string(),
    )
    fc.assert(
      fc.property(text, (same) => {
        expect(verdict(same, same)).toBe('exact')
      }),
    )
  })

  it('never lets one number pass that is off by more than the tolerance', () => {
    const value = fc.double({ min: 1e-9, max: 1e9, noNaN: true })
    const factor = fc.oneof(
      fc.constant(-1),
      fc.double({ min: 1.00011, max: 100, noNaN: true }),
      fc.double({ min: 0.01, max: 0.9998, noNaN: true }),
    )
    fc.assert(
      fc.property(words, words, value, factor, fc.boolean(), (before, after, x, by, isScientific) => {
        const print = (n: number) => (isScientific ? n.toExponential(15) : n.toPrecision(15))
        const text = (n: number) => [...before, print(n), ...after].join(' ')
        expect(verdict(text(x), text(x * by))).toBe('differs')
      }),
      { numRuns: 1_000 },
    )
  })

  it('lets numbers pass that are off by less', () => {
    const value = fc.double({ min: 1e-9, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(words, value, fc.double({ min: -9e-5, max: 9e-5, noNaN: true }), (around, x, by) => {
        const text = (n: number) => [...around, n.toExponential(15), ...around].join(' ')
        expect(verdict(text(x), text(x * (1 + by)))).not.toBe('differs')
      }),
    )
  })

  it('never calls texts with other words anything but different', () => {
    fc.assert(
      fc.property(words, words, (before, after) => {
        const text = (word: string) => [...before, word, ...after].join(' ')
        expect(verdict(text('yes'), text('no'))).toBe('differs')
      }),
    )
  })
})
