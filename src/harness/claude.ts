/**
 * The `claude` provider: Anthropic's Messages API under Seer's own loop, so that the model sees our prompt and tools and no more.
 */
import { createAnthropic } from '@ai-sdk/anthropic'
import { SeerError } from '../errors.ts'
import type { Provider } from './agent.ts'
import { withAgentEvents } from './agent-events.ts'
import { withKeylessErrors } from './keyless-errors.ts'
import { readKeys, type Keys } from './keys.ts'
import { requirePrice } from './limits.ts'
import { runLoop, type LoopOptions } from './loop.ts'
import { patientFetch } from './patient-fetch.ts'
import { PRICES_OF, worstCostUsd } from './prices.ts'

/** Anthropic lists its models at https://docs.claude.com/en/docs/about-claude/models/overview; `@ai-sdk/anthropic` types their ids. */
export const DEFAULT_CLAUDE_MODEL = 'claude-sonnet-5-5'

const ANTHROPIC_HOST = 'api.anthropic.com'

export interface ClaudeOptions extends LoopOptions {
  readonly model?: string
  /** Otherwise ANTHROPIC_API_KEY. */
  readonly apiKey?: string
  /** Otherwise ANTHROPIC_BASE_URL; with or without the `/v1` at its end. */
  readonly baseURL?: string
  /** Without it: the environment, else `.env` in the current folder. */
  readonly env?: Keys
}

/** A provider that can say, before anything has started, what the researcher must put right. */
export interface CheckedProvider extends Provider {
  check(): void
}

export function claudeProvider(options: ClaudeOptions = {}): CheckedProvider {
  const { model = DEFAULT_CLAUDE_MODEL, env, ...given } = options
  const connection = () => claudeConnection(given, env ?? readKeys().keys)
  return {
    name: 'claude',
    model,
    check: () => void connection(),
    run(request, context) {
      const { apiKey, baseURL } = connection()
      if (request.purses?.length) requirePrice(model)
      const api = createAnthropic({ apiKey, baseURL, fetch: withKeylessErrors(patientFetch(), apiKey) })
      const prices = worstCostUsd(model, 0, 0) === undefined ? {} : { pricesOf: PRICES_OF }
      return withAgentEvents({ provider: 'claude', model, ...prices }, request, context, () =>
        runLoop(api(model), request, context, given),
      )
    },
  }
}

/** Where to ask, and with which key. A server of one's own may want no key, and the header must hold something. */
export function claudeConnection(
  given: Pick<ClaudeOptions, 'apiKey' | 'baseURL'>,
  env: Keys,
): { apiKey: string; baseURL: string } {
  const baseURL = normaliseBaseURL(given.baseURL || env.ANTHROPIC_BASE_URL || `https://${ANTHROPIC_HOST}`)
  const apiKey = (given.apiKey ?? env.ANTHROPIC_API_KEY ?? '').trim()
  if (apiKey !== '') return { apiKey, baseURL }
  throw new SeerError('provider-key-missing', {
    message: 'The provider "claude" needs a key, and ANTHROPIC_API_KEY is not set.',
    hint:
      new URL(baseURL).host === ANTHROPIC_HOST
        ? 'Set ANTHROPIC_API_KEY (in the environment or in .env), or play the recorded run with --provider recorded.'
        : `Set ANTHROPIC_API_KEY; for ${new URL(baseURL).host} any word will do if that server asks for no key.`,
  })
}

export function normaliseBaseURL(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new SeerError('provider-url-invalid', {
      message: `ANTHROPIC_BASE_URL is not an http address: "${text}"`,
      hint: `It should look like https://${ANTHROPIC_HOST} or http://127.0.0.1:8080.`,
    })
  const url = new URL(text)
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${path.endsWith('/v1') ? path : `${path}/v1`}`
}
