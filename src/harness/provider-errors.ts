/**
 * What a model API's failure means: for the loop (may asking again help?) and for the researcher (what happened, what to do).
 */
import { APICallError } from '@ai-sdk/provider'
import { SeerError } from '../errors.ts'
import { SILENCE_CODE } from './patient-fetch.ts'
import { CutStreamError } from './turn.ts'

export interface Trouble {
  /** Short, for the log: `overloaded (529)`. */
  readonly reason: string
  readonly retryable: boolean
  /** No connection at all: hopeless at the start of a run, worth a wait later. */
  readonly unreachable: boolean
  readonly retryAfterMs: number | undefined
  readonly error: SeerError
}

export function describeTrouble(error: unknown): Trouble {
  if (error instanceof SeerError) return trouble({ reason: error.code, error })
  if (error instanceof CutStreamError) return cutOff(error)
  const status = statusOf(error)
  if (status !== undefined && status !== 200) return ofStatus(status, error)
  const code = networkCode(error)
  if (code !== undefined && UNREACHABLE.has(code)) return unreachable(code, error)
  // A connection that breaks in mid-answer comes with status 200 or with none.
  if ((code !== undefined && BROKEN_OFF.has(code)) || isRetryable(error)) return cutOff(error)
  return trouble({
    reason: 'provider error',
    error: new SeerError('provider-failed', { message: `The model API failed: ${messageOf(error)}`, cause: error }),
  })
}

function trouble(given: Partial<Trouble> & Pick<Trouble, 'reason' | 'error'>): Trouble {
  return { retryable: false, unreachable: false, retryAfterMs: undefined, ...given }
}

function cutOff(error: unknown): Trouble {
  return trouble({
    reason: `connection broke off (${messageOf(error)})`,
    retryable: true,
    error: new SeerError('provider-cut-off', {
      message: `The connection to the model API broke off again and again: ${messageOf(error)}`,
      hint: 'Check the network, then start the run again.',
      cause: error,
    }),
  })
}

const BROKEN_OFF = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', SILENCE_CODE])

// An expired or self-signed certificate is as final as a wrong name.
const UNREACHABLE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])
for (const code of [
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])
  UNREACHABLE.add(code)

function unreachable(code: string, error: unknown): Trouble {
  const host = APICallError.isInstance(error) ? new URL(error.url).host : 'the model API'
  return trouble({
    reason: `${host} cannot be reached (${code})`,
    unreachable: true,
    error: new SeerError('provider-unreachable', {
      message: `${host} cannot be reached (${code}).`,
      hint: 'Check the network and ANTHROPIC_BASE_URL, or play the recorded run with --provider recorded.',
      cause: error,
    }),
  })
}

function ofStatus(status: number, error: unknown): Trouble {
  const said = messageOf(error)
  const seerError = (code: string, message: string, hint?: string) =>
    new SeerError(code, { message, cause: error, ...(hint !== undefined && { hint }) })
  const final = (...parts: [code: string, message: string, hint?: string]) =>
    trouble({ reason: `${parts[0]} (${status})`, error: seerError(...parts) })

  if (status === 401)
    return final('provider-key-rejected', `The model API did not accept the key: ${said}`, 'Check ANTHROPIC_API_KEY.')
  if (status === 402 || ((status === 400 || status === 403) && /credit|billing/i.test(said)))
    return final(
      'provider-no-credit',
      `The account has no credit: ${said}`,
      'Add credit to the account of this key, or use another key.',
    )
  if (status === 403)
    return final('provider-refused', `This key may not do that: ${said}`, 'Check what the key is allowed to use.')
  if (status === 404)
    return final(
      'provider-model-unknown',
      `The model API does not know this model or address: ${said}`,
      'Check --agent-model and ANTHROPIC_BASE_URL.',
    )
  if (status === 413)
    return final('provider-request-too-large', `The conversation has become too large to send: ${said}`)
  if (status === 429 || status === 529 || status >= 500 || status === 408 || status === 409) {
    const what = status === 429 ? 'rate limit' : status === 529 ? 'overloaded' : 'server error'
    return trouble({
      reason: `${what} (${status})`,
      retryable: true,
      retryAfterMs: retryAfterMs(error),
      error: seerError(
        status === 429 ? 'provider-rate-limit' : 'provider-overloaded',
        `The model API answered ${status} again and again: ${said}`,
        'Wait a while, then start the run again.',
      ),
    })
  }
  return final('provider-rejected-request', `The model API rejected the request (${status}): ${said}`)
}

/** `retry-after` counts seconds or names a time; `retry-after-ms` is finer where it is sent. */
function retryAfterMs(error: unknown): number | undefined {
  const headers = APICallError.isInstance(error) ? error.responseHeaders : undefined
  const fine = Number(headers?.['retry-after-ms'] ?? Number.NaN)
  if (fine >= 0) return fine
  const value = headers?.['retry-after']
  if (value === undefined) return undefined
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : undefined
}

function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : undefined
}

function isRetryable(error: unknown): boolean {
  return (error as { isRetryable?: unknown } | null)?.isRetryable === true
}

/** The system's code of the innermost error that has one. */
function networkCode(error: unknown): string | undefined {
  let found: string | undefined
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    const { code } = inner as { code?: unknown }
    if (typeof code === 'string' && /^[A-Z][A-Z_]+$/.test(code)) found = code
  }
  return found
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : String(error)
}
