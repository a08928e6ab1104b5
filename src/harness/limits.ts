/** What an agent may use up: turns, output tokens, money. Asked before each request, so that none is sent that could exceed it. */
import { SeerError } from '../errors.ts'
import type { Stop } from './ask.ts'
import { estimateTokens } from './estimate-tokens.ts'
import { usd } from '../amounts.ts'
import { costUsd, PRICED_MODELS, PRICES_OF, worstCostUsd, type TokenUsage } from './prices.ts'

export const DEFAULT_BUDGET_USD = 5
/** Each answer's `max_tokens`, unless less is left. */
export const DEFAULT_MAX_OUTPUT_TOKENS = 32_000
/** With room for less than this an answer would only be cut, at the price of the whole prompt. */
const LEAST_OUTPUT_TOKENS = 1_024

/** Money for one agent, or for all of a run: then they hold the same object. */
export interface Purse {
  /** As it stands in messages: `the run's budget`. */
  readonly name: string
  readonly limitUsd: number
  spentUsd: number
}

export interface Limited {
  readonly maxTokens?: number | undefined
  readonly purses?: readonly Purse[] | undefined
}

export interface Limits {
  /** What the next answer may be long, or why there must be none. */
  next(prompt: readonly unknown[]): { maxOutputTokens: number } | Stop
  /** What an answer cost; undefined where the price is not known. */
  charge(usage: TokenUsage): number | undefined
  /** An answer that broke off is paid for, and nobody says how much: the worst is taken from the budget. */
  chargeLost(): void
}

export function openLimits(model: string, limited: Limited, most = DEFAULT_MAX_OUTPUT_TOKENS): Limits {
  const { maxTokens = Infinity, purses = [] } = limited
  if (purses.length > 0) requirePrice(model)
  let output = 0
  let asked = { promptTokens: 0, outputTokens: 0 }
  /** What the API has counted of the prompt, and how many of its parts that was. */
  let counted = { tokens: 0, parts: 0 }
  let parts = 0

  const spend = (usd: number) => purses.forEach((purse) => (purse.spentUsd += usd))
  return {
    next(prompt) {
      parts = prompt.length
      const promptTokens = counted.tokens + estimateTokens(prompt.slice(counted.parts))
      if (output >= maxTokens) return { stop: `${maxTokens} output tokens` }
      let room = Math.min(most, maxTokens - output)
      for (const purse of purses) {
        const affordable = outputTokensFor(model, promptTokens, purse.limitUsd - purse.spentUsd, room)
        if (affordable < Math.min(LEAST_OUTPUT_TOKENS, room)) return { stop: outOfMoney(purse) }
        room = affordable
      }
      asked = { promptTokens, outputTokens: room }
      return { maxOutputTokens: room }
    },
    charge(usage) {
      output += usage.outputTokens
      // The answer is a part of the next prompt. It is estimated anew there: twice is on the safe side.
      const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage
      counted = { tokens: inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens, parts }
      const cost = costUsd(model, usage)
      spend(cost ?? 0)
      return cost
    },
    chargeLost() {
      spend(worstCostUsd(model, asked.promptTokens, asked.outputTokens) ?? 0)
    },
  }
}

/** Up to `most`. The price of a token may depend on the length of the prompt. */
function outputTokensFor(model: string, promptTokens: number, usd: number, most: number): number {
  const perPrompt = worstCostUsd(model, promptTokens, 0) ?? 0
  const perToken = ((worstCostUsd(model, promptTokens, 1_000_000) ?? 0) - perPrompt) / 1_000_000
  return Math.max(0, Math.min(most, Math.floor((usd - perPrompt) / perToken)))
}

function outOfMoney({ name, limitUsd, spentUsd }: Purse): string {
  return `${name} of ${usd(limitUsd)}: ${usd(spentUsd)} are spent, and one more answer could exceed it`
}

/** Before anything starts: a budget without a price would be no budget. */
export function requirePrice(model: string): void {
  if (worstCostUsd(model, 0, 0) !== undefined) return
  throw new SeerError('price-unknown', {
    message: `The price of the model "${model}" is not known (price table of ${PRICES_OF}), so a budget cannot be kept.`,
    hint: `Set no budget (--budget none, or budgetUsd: 'none'), or use one of: ${PRICED_MODELS.join(', ')}.`,
  })
}
