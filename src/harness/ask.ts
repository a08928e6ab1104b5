/** One question to the model: what is sent, asked again where that may help, and refused where the model would not get all of it. */
import type {
  LanguageModelV4,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  SharedV4ProviderOptions,
  SharedV4Warning,
} from '@ai-sdk/provider'
import { SeerError } from '../errors.ts'
import type { AgentContext } from './agent.ts'
import { withCacheBreakpoints } from './messages.ts'
import { DEFAULT_RETRY, withRetries, type RetryPolicy } from './retry.ts'
import { readTurn, type Turn } from './turn.ts'

export interface AskOptions {
  readonly retry?: RetryPolicy
  readonly providerOptions?: SharedV4ProviderOptions
}

/** Why nothing more is asked. */
export interface Stop {
  readonly stop: string
}

/** `room` is asked before each attempt: one that broke off may have used it up. Undefined when interrupted before anything came. */
export type Ask = (
  history: readonly LanguageModelV4Message[],
  room: () => { readonly maxOutputTokens: number } | Stop,
) => Promise<Turn | Stop | undefined>

/** `onLost`: an answer had begun, and broke off. */
export function openAsker(
  model: LanguageModelV4,
  tools: readonly LanguageModelV4FunctionTool[],
  { emit, by, signal }: AgentContext,
  options: AskOptions,
  onLost: () => void,
): Ask {
  const providerOptions = {
    ...options.providerOptions,
    // Else each tool is sent with a flag of its own. The model is to see our tools and nothing besides.
    anthropic: { toolStreaming: false, ...options.providerOptions?.anthropic },
  }
  const warned = new Set<string>()
  const onWarning = (warning: SharedV4Warning) => {
    const text = refuseLoss(warning)
    if (!warned.has(text)) emit({ type: 'notice-add', by: 'system', level: 'warning', code: 'provider-warning', text })
    warned.add(text)
  }
  let hasAnswered = false

  return async (history, room) => {
    const call = {
      prompt: withCacheBreakpoints(history),
      ...(tools.length > 0 && { tools: [...tools] }),
      abortSignal: signal,
      providerOptions,
    }
    let hasBegun = false
    const attempt = async () => {
      const given = room()
      if ('stop' in given) return given
      return readTurn(model, { ...call, ...given }, { onWarning, onBegun: () => (hasBegun = true) })
    }
    try {
      const turn = await withRetries(attempt, {
        policy: options.retry ?? DEFAULT_RETRY,
        signal,
        hasAnswered,
        onRetry: (retry) => {
          if (hasBegun) onLost()
          hasBegun = false
          emit({ type: 'agent-retry', by, ...retry })
        },
      })
      hasAnswered = true
      return turn
    } catch (error) {
      if (signal.aborted) return undefined
      throw error
    }
  }
}

/** A model that did not get what was sent gives numbers about something else. Other warnings become notices. */
function refuseLoss(warning: SharedV4Warning): string {
  const text = 'message' in warning ? warning.message : [warning.feature, warning.details].filter(Boolean).join(': ')
  if (warning.type === 'unsupported' || warning.type === 'other')
    throw new SeerError('provider-dropped-content', {
      message: `The model was not sent everything: ${text}`,
      hint: 'Leave this option or content out, or use a model that takes it.',
    })
  return text
}
