import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { estimateTokens } from './estimate-tokens.ts'
import { openLimits, type Purse } from './limits.ts'
import { PRICED_MODELS } from './prices.ts'

const MODEL = 'claude-sonnet-5-5'

test('bytes are counted as pictures, text by its length in bytes', () => {
  expect(estimateTokens('x'.repeat(998))).toBe(500)
  expect(estimateTokens('字'.repeat(100))).toBe(151)
  const picture = Buffer.alloc(1_000_000)
  expect(estimateTokens([{ data: picture }, { data: new Uint8Array(9) }])).toBeLessThan(10_100)
  expect(estimateTokens([{ data: picture }])).toBeGreaterThanOrEqual(5_000)
})

test('without limits an answer may be as long as any', () => {
  const limits = openLimits('claude-nova-9', {})
  expect(limits.next(['p'])).toEqual({ maxOutputTokens: 32_000 })
  expect(
    limits.charge({ inputTokens: 1e9, outputTokens: 1e9, cacheReadTokens: 0, cacheWriteTokens: 0 }),
  ).toBeUndefined()
  expect(limits.next(['p'])).toEqual({ maxOutputTokens: 32_000 })
})

test('whatever the answers, a budget is not exceeded while the prompt is no longer than estimated', () => {
  const answer = fc.record({
    prompt: fc.nat(40_000),
    output: fc.double({ min: 0, max: 1, noNaN: true }),
    lost: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.constantFrom(...PRICED_MODELS),
      fc.double({ min: 0.001, max: 3, noNaN: true }),
      fc.array(answer, { maxLength: 30 }),
      (model, limitUsd, answers) => {
        const purse: Purse = { name: 'b', limitUsd, spentUsd: 0 }
        const limits = openLimits(model, { purses: [purse] })
        const history: string[] = ['system']
        for (const { prompt, output, lost } of answers) {
          history.push('m'.repeat(prompt))
          const room = limits.next(history)
          if ('stop' in room) break
          if (lost) limits.chargeLost()
          else {
            const promptTokens = Math.floor(estimateTokens(history) * 0.9)
            limits.charge({
              inputTokens: 0,
              cacheReadTokens: 0,
              cacheWriteTokens: promptTokens,
              outputTokens: Math.floor(room.maxOutputTokens * output),
            })
          }
        }
        expect(purse.spentUsd).toBeLessThanOrEqual(limitUsd + 1e-9)
      },
    ),
  )
})

test('the room shrinks with the budget, and with less than is of use there is none', () => {
  const purse: Purse = { name: 'the budget', limitUsd: 0.1, spentUsd: 0 }
  const limits = openLimits(MODEL, { purses: [purse] })
  const first = limits.next(['x'])
  expect(first).toEqual({ maxOutputTokens: expect.toSatisfy((n: number) => n > 9_900 && n < 10_000) })
  purse.spentUsd = 0.095
  expect(limits.next(['x'])).toEqual({ stop: expect.stringMatching(/the budget of 0\.10 USD: 0\.0950 USD are spent/) })
})
