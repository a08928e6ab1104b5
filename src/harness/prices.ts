/**
 * What models cost: the vendor's list prices on one day, in USD per million tokens. Only prices that are known for certain stand
 * here. A model that is missing has no price, and a run with a budget then ends before it starts.
 */

/** The day on which the vendor's price list read as below. Change it with the table. */
export const PRICES_OF = '2026-10-24'
export const PRICES_FROM = 'https://platform.claude.com/docs/en/about-claude/pricing'

interface Price {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  /** Into the cache of five minutes, the one that Seer uses. */
  readonly cacheWrite: number
  /** Requests with a longer prompt, what is read from the cache included, cost more in every part. */
  readonly longPrompt?: { readonly overTokens: number } & Omit<Price, 'longPrompt'>
}

const OPUS_5: Price = { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }

const PRICES: Readonly<Record<string, Price>> = {
  'claude-fable-5-1': { input: 10, output: 50, cacheRead: 0.25, cacheWrite: 12.5 },
  'claude-fable-5': { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5 },
  'claude-opus-5-5': { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5 },
  'claude-opus-5': OPUS_5,
  'claude-opus-4-8': OPUS_5,
  'claude-opus-4-7': OPUS_5,
  'claude-opus-4-6': OPUS_5,
  'claude-opus-4-5': OPUS_5,
  'claude-sonnet-5-5': { input: 2, output: 10, cacheRead: 0.1, cacheWrite: 2.5 },
  'claude-sonnet-5': { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 },
  'claude-sonnet-4-6': { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
  'claude-haiku-5-5': {
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    cacheWrite: 0.125,
    longPrompt: { overTokens: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625 },
  },
  'claude-haiku-4-5': { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 },
}

export const PRICED_MODELS = Object.keys(PRICES)

export interface TokenUsage {
  /** Neither read from the cache nor written to it. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
}

/** Undefined where the model's price is not known. A dated name (`…-20251001`) costs what its model costs. */
export function costUsd(model: string, usage: TokenUsage): number | undefined {
  const name = model.replace(/-20\d{6}$/, '')
  if (!Object.hasOwn(PRICES, name)) return undefined
  const price = PRICES[name]!
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  const { input, output, cacheRead, cacheWrite } =
    price.longPrompt && prompt > price.longPrompt.overTokens ? price.longPrompt : price
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage
  const millionths =
    inputTokens * input + outputTokens * output + cacheReadTokens * cacheRead + cacheWriteTokens * cacheWrite
  return millionths / 1_000_000
}

/** The most that a request can cost: nothing of it is in the cache any more, all of it is written there. */
export function worstCostUsd(model: string, promptTokens: number, outputTokens: number): number | undefined {
  return costUsd(model, { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: promptTokens, outputTokens })
}
