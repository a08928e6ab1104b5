/**
 * The agent loop: ask the model, run what it asks for, tell it what came out, until it asks for nothing more.
 *
 * A function of the model, the tools, `emit` and the signal; it holds nothing else.
 */
import type {
  LanguageModelV4,
  LanguageModelV4Message,
  SharedV4ProviderOptions,
  SharedV4Warning,
} from '@ai-sdk/provider'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { runTool, type Tool, type ToolResult } from '../tools/tool.ts'
import type { AgentContext, AgentEnd, AgentRequest } from './agent.ts'
import { assistantMessage, openingMessages, toolDefinition, toolMessages, withCacheBreakpoints } from './messages.ts'
import { DEFAULT_RETRY, withRetries, type RetryPolicy } from './retry.ts'
import { parseCallInput, readTurn, type ModelCall, type Turn } from './turn.ts'

export interface LoopOptions {
  /** Set always: left alone, it would depend on whether the provider package knows the model's name. */
  readonly maxOutputTokens?: number
  readonly retry?: RetryPolicy
  readonly providerOptions?: SharedV4ProviderOptions
}

export const DEFAULT_MAX_OUTPUT_TOKENS = 32_000

export async function runLoop(
  model: LanguageModelV4,
  request: AgentRequest,
  context: AgentContext,
  options: LoopOptions = {},
): Promise<AgentEnd> {
  const { signal } = context
  const ask = asker(model, request, context, options)
  const history = openingMessages(request)
  for (let turns = 0; turns < request.maxTurns; turns++) {
    const turn = await ask(history)
    if (turn === undefined) return { reason: 'interrupted' }
    report(turn, model, context)
    if (turn.finish.unified === 'content-filter')
      return { reason: 'finished', detail: `the model refused (${turn.finish.raw})` }

    const answered = []
    for (const call of turn.calls) {
      const result = await answer(call, turn, request.tools, context)
      answered.push({ id: call.id, name: call.name, result })
    }
    if (signal.aborted) return { reason: 'interrupted' }
    if (answered.length === 0) return ending(turn)
    history.push(assistantMessage(turn.parts), ...toolMessages(answered))
  }
  return { reason: 'limit', detail: `${request.maxTurns} turns` }
}

/** Undefined when interrupted before anything came. */
function asker(model: LanguageModelV4, request: AgentRequest, context: AgentContext, options: LoopOptions) {
  const { emit, by, signal } = context
  const tools = request.tools.map(toolDefinition)
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

  return async (history: readonly LanguageModelV4Message[]): Promise<Turn | undefined> => {
    const call = {
      prompt: withCacheBreakpoints(history),
      ...(tools.length > 0 && { tools }),
      maxOutputTokens: options.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
      abortSignal: signal,
      providerOptions,
    }
    try {
      const turn = await withRetries(() => readTurn(model, call, onWarning), {
        policy: options.retry ?? DEFAULT_RETRY,
        signal,
        hasAnswered,
        onRetry: (retry) => emit({ type: 'agent-retry', by, ...retry }),
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

function report(turn: Turn, model: LanguageModelV4, { emit, by }: AgentContext): void {
  const { usage, text, thinking } = turn
  if (usage)
    emit({
      type: 'agent-usage',
      by,
      model: turn.model ?? model.modelId,
      // Without what was read from or written to the cache: the three add up to all that was sent.
      inputTokens: usage.inputTokens.noCache ?? usage.inputTokens.total ?? 0,
      outputTokens: usage.outputTokens.total ?? 0,
      cacheReadTokens: usage.inputTokens.cacheRead ?? 0,
      cacheWriteTokens: usage.inputTokens.cacheWrite ?? 0,
    })
  if (text.trim() !== '' || thinking !== '')
    emit({ type: 'agent-message', by, role: 'assistant', text, ...(thinking !== '' && { thinking }) })
}

/** Every call gets an answer through `runTool`, also one that must not run and one that comes after an interrupt. */
async function answer(call: ModelCall, turn: Turn, tools: readonly Tool[], context: AgentContext): Promise<ToolResult> {
  const { broken, input } = parseCallInput(call.json)
  // An answer that ran into the token limit may have lost the end of its last call, also where what is left still parses.
  const isCut =
    turn.finish.unified === 'length' && call === turn.calls.at(-1) && turn.parts.at(-1)?.type === 'tool-call'
  const why = isCut
    ? 'Your answer reached its token limit inside this call, so it was not run. Call again with a shorter input.'
    : broken && 'The input of this call was not a JSON object, so it was not run. Call again with valid JSON.'
  const usable = why ? tools.map((tool) => (tool.name === call.name ? refusing(tool, input, why) : tool)) : tools
  return runTool(usable, { id: call.id, name: call.name, input }, context)
}

function refusing(tool: Tool, input: object, text: string): Tool {
  const anything = z.object(Object.fromEntries(Object.keys(input).map((key) => [key, z.unknown()])))
  const result: ToolResult = { content: [{ type: 'text', text }], structured: { error: 'broken-call' }, isError: true }
  return { ...tool, input: anything, execute: () => Promise.resolve(result) }
}

function ending(turn: Turn): AgentEnd {
  if (turn.finish.unified === 'length')
    return { reason: 'limit', detail: `the answer was cut at its token limit (${turn.finish.raw})` }
  return { reason: 'finished' }
}
