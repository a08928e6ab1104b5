import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { DEFAULT_CLAUDE_MODEL } from './claude.ts'
import { costUsd, PRICED_MODELS, PRICES_OF, worstCostUsd } from './prices.ts'

const usage = (inputTokens: number, outputTokens: number, cacheReadTokens = 0, cacheWriteTokens = 0) => ({
  inputTokens,
  outputTokens,
  cacheReadTokens,
  cacheWriteTokens,
})
const M = 1_000_000

test.each<[string, ReturnType<typeof usage>, number | undefined]>([
  ['claude-sonnet-5-5', usage(M, 0), 2],
  ['claude-sonnet-5-5', usage(0, M), 10],
  ['claude-sonnet-5-5', usage(0, 0, M), 0.1],
  ['claude-sonnet-5-5', usage(0, 0, 0, M), 2.5],
  ['claude-sonnet-5-5', usage(M, M, M, M), 14.6],
  ['claude-haiku-4-5-20251001', usage(M, M), 6],
  // At 100,000 tokens of prompt this model's price changes, for all of the request.
  ['claude-haiku-5-5', usage(60_000, 1_000, 30_000, 10_000), (60_000 * 0.1 + 500 + 300 + 1_250) / M],
  ['claude-haiku-5-5', usage(60_001, 1_000, 30_000, 10_000), (60_001 * 0.5 + 2_500 + 1_500 + 6_250) / M],
  ['claude-nova-9', usage(1, 1), undefined],
  ['constructor', usage(1, 1), undefined],
  ['claude-sonnet-5-5-fast', usage(1, 1), undefined],
])('%s, %j: %s USD', (model, used, cost) => {
  const rounded = (usd: number | undefined) => usd?.toFixed(9)
  expect(rounded(costUsd(model, used))).toBe(rounded(cost))
})

test('nothing costs more than the worst case', () => {
  for (const model of PRICED_MODELS)
    for (const part of [
      usage(9_000, 500),
      usage(0, 500, 9_000),
      usage(0, 500, 0, 9_000),
      usage(3_000, 500, 3_000, 3_000),
    ])
      expect(costUsd(model, part)!).toBeLessThanOrEqual(worstCostUsd(model, 9_000, 500)!)
})

test('the models are ones that the provider’s package knows, the default one too, and the table has a date', () => {
  const require = createRequire(import.meta.url)
  const types = readFileSync(join(dirname(require.resolve('@ai-sdk/anthropic')), 'index.d.ts'), 'utf8')
  expect(PRICED_MODELS.filter((model) => !types.includes(`'${model}'`) && !types.includes(`"${model}"`))).toEqual([])
  expect(PRICED_MODELS).toContain(DEFAULT_CLAUDE_MODEL)
  expect(new Date(PRICES_OF).toISOString().slice(0, 10)).toBe(PRICES_OF)
})
