/**
 * When asking a model again may help, and how long to wait first. Asking again never runs a tool again: it happens within
 * one turn, before any of that turn's calls has run.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeTrouble, type Trouble } from './provider-errors.ts'

export interface RetryPolicy {
  /** How often one turn is asked for, the first time included. */
  readonly attempts: number
  readonly baseDelayMs: number
  readonly maxDelayMs: number
  /** A server that asks for more patience than this is believed, and the run ends. */
  readonly maxRetryAfterMs: number
}

/** About two minutes in all, unless the server asks for more. */
export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 8,
  baseDelayMs: 1_000,
  maxDelayMs: 60_000,
  maxRetryAfterMs: 600_000,
}

export interface RetryOptions {
  readonly policy: RetryPolicy
  readonly signal: AbortSignal
  /** Whether this model has answered before: then a host that cannot be reached is worth waiting for. */
  readonly hasAnswered: boolean
  readonly onRetry: (retry: { reason: string; delayMs: number; attempt: number }) => void
}

/** Throws the trouble as a SeerError once another attempt makes no sense. An abort while waiting throws the abort. */
export async function withRetries<T>(ask: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { policy, signal, onRetry } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      const trouble = describeTrouble(error)
      const delayMs = delayFor(trouble, attempt, policy)
      const retryable = trouble.retryable || (trouble.unreachable && options.hasAnswered)
      if (!retryable || attempt >= policy.attempts || delayMs > policy.maxRetryAfterMs) throw trouble.error
      onRetry({ reason: trouble.reason, delayMs, attempt })
      await sleep(delayMs, undefined, { signal })
    }
  }
}

export function delayFor(trouble: Pick<Trouble, 'retryAfterMs'>, attempt: number, policy: RetryPolicy): number {
  return trouble.retryAfterMs ?? Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 1))
}
