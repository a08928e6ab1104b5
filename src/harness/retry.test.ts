import { APICallError } from '@ai-sdk/provider'
import { describe, expect, it, vi } from 'vitest'
import { SeerError } from '../errors.ts'
import { describeTrouble } from './provider-errors.ts'
import { DEFAULT_RETRY, delayFor, withRetries } from './retry.ts'

const url = 'https://api.example.test/v1/messages'
const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
const apiError = (given: {
  statusCode?: number
  responseHeaders?: Record<string, string>
  message?: string
  cause?: unknown
}) => new APICallError({ message: 'said', url, requestBodyValues: {}, ...given })

describe('describeTrouble', () => {
  it.each<[string, unknown, string, boolean]>([
    ['401', apiError({ statusCode: 401 }), 'provider-key-rejected', false],
    ['402', apiError({ statusCode: 402 }), 'provider-no-credit', false],
    ['400 for credit', apiError({ statusCode: 400, message: 'credit balance too low' }), 'provider-no-credit', false],
    ['400', apiError({ statusCode: 400 }), 'provider-rejected-request', false],
    ['404', apiError({ statusCode: 404 }), 'provider-model-unknown', false],
    ['413', apiError({ statusCode: 413 }), 'provider-request-too-large', false],
    ['a redirect', apiError({ statusCode: 307 }), 'provider-rejected-request', false],
    ['429', apiError({ statusCode: 429 }), 'provider-rate-limit', true],
    ['503', apiError({ statusCode: 503 }), 'provider-overloaded', true],
    ['529', apiError({ statusCode: 529 }), 'provider-overloaded', true],
    ['a reset', apiError({ cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }), 'provider-cut-off', true],
    ['refused', apiError({ cause: refused }), 'provider-unreachable', false],
    ['a mistake of ours', new TypeError('x is not a function'), 'provider-failed', false],
    ['a SeerError', new SeerError('disk-full', { message: 'full' }), 'disk-full', false],
  ])('%s', (_, error, code, retryable) => {
    expect(describeTrouble(error)).toMatchObject({ retryable, error: { code } })
  })

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after-ms': '120', 'retry-after': '7' }, 120],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('reads %j as %s ms', (responseHeaders, retryAfterMs) => {
    expect(describeTrouble(apiError({ statusCode: 429, responseHeaders })).retryAfterMs).toBe(retryAfterMs)
  })
})

describe('withRetries', () => {
  const options = {
    policy: { ...DEFAULT_RETRY, baseDelayMs: 1 },
    signal: new AbortController().signal,
    hasAnswered: false,
    onRetry: () => undefined,
  }

  it('doubles the wait up to a limit', () => {
    const waits = Array.from({ length: 8 }, (_, i) => delayFor({ retryAfterMs: undefined }, i + 1, DEFAULT_RETRY))
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  })

  it('does not wait for hours because a server says so', async () => {
    const ask = vi.fn<() => Promise<never>>(() =>
      Promise.reject(apiError({ statusCode: 429, responseHeaders: { 'retry-after': '7200' } })),
    )
    await expect(withRetries(ask, options)).rejects.toMatchObject({ code: 'provider-rate-limit' })
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it.each([
    [true, 2],
    [false, 1],
  ])('waits for a host that is gone only if it has answered before: %s', async (hasAnswered, times) => {
    const ask = vi.fn<() => Promise<never>>(() => Promise.reject(apiError({ cause: refused })))
    const policy = { ...options.policy, attempts: 2 }
    await expect(withRetries(ask, { ...options, policy, hasAnswered })).rejects.toMatchObject({
      code: 'provider-unreachable',
    })
    expect(ask).toHaveBeenCalledTimes(times)
  })
})
