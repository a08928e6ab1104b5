/**
 * The agent loop: ask the model, run what it asks for, tell it what came out, until it asks for nothing more.
 *
 * A function of the model, the tools, `emit` and the signal; it holds nothing else.
 */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { AgentContext, AgentEnd, AgentRequest } from './agent.ts'
import { answerCall } from './answer-call.ts'
import { openAsker, type AskOptions } from './ask.ts'
import { openLimits, type Limits } from './limits.ts'
import { assistantMessage, openingMessages, toolDefinition, toolMessages, userMessage } from './messages.ts'
import { openRepeats, repeatWarning, STOPPED_AFTER, WARNED_AFTER } from './repeats.ts'
import { parseCallInput, type Turn } from './turn.ts'

export interface LoopOptions extends AskOptions {
  /** Each answer's `max_tokens`. Set always: left alone, it would depend on whether the provider package knows the model's name. */
  readonly maxOutputTokens?: number
}

export async function runLoop(
  model: LanguageModelV4,
  request: AgentRequest,
  context: AgentContext,
  options: LoopOptions = {},
): Promise<AgentEnd> {
  const { signal } = context
  const tools = request.tools.map(toolDefinition)
  const limits = openLimits(model.modelId, request, options.maxOutputTokens)
  const ask = openAsker(model, tools, context, options, () => limits.chargeLost())
  const repeats = openRepeats()
  const history = openingMessages(request)
  const tell = (text: string, by: 'researcher' | 'system') => {
    context.emit({ type: 'agent-message', by, agent: request.role, role: 'user', text })
    history.push(userMessage(text))
  }

  for (let turns = 0; turns < request.maxTurns; turns++) {
    await itsTurn(context)
    for (const text of await heard(context)) tell(text, 'researcher')
    for (const text of context.inbox?.takeNotices?.() ?? []) tell(text, 'system')
    const turn = await ask(history, () => limits.next([tools, ...history]))
    if (turn === undefined) return { reason: 'interrupted' }
    if ('stop' in turn) return { reason: 'limit', detail: turn.stop }
    report(turn, model, limits, context)
    if (turn.finish.unified === 'content-filter')
      return { reason: 'finished', detail: `the model refused (${turn.finish.raw})` }

    const answered = []
    let repeated = { times: 0, name: '' }
    for (const call of turn.calls) {
      const result = await answerCall(call, turn, request.tools, context)
      answered.push({ id: call.id, name: call.name, result })
      const times = repeats.count({ name: call.name, input: parseCallInput(call.json).input }, result)
      if (times > repeated.times) repeated = { times, name: call.name }
    }
    if (signal.aborted) return { reason: 'interrupted' }
    const said = assistantMessage(turn.parts)
    if (said.content.length > 0) history.push(said)
    if (answered.length > 0) history.push(...toolMessages(answered))
    if (repeated.times >= STOPPED_AFTER)
      return { reason: 'limit', detail: `${repeated.name} was called ${repeated.times} times with the same result` }
    if (repeated.times === WARNED_AFTER) tell(repeatWarning(repeated.name), 'system')
    if (answered.length > 0) continue

    // It is done, unless somebody who has just read its last words answers them.
    const answers = await heard(context)
    if (answers.length === 0) return ending(turn)
    for (const text of answers) tell(text, 'researcher')
  }
  return { reason: 'limit', detail: `${request.maxTurns} turns` }
}

/** Somebody else may be writing in its session: it waits at the edge of a step, never in the middle of one. */
async function itsTurn({ turn, signal }: AgentContext): Promise<void> {
  await turn?.(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** What a researcher said, once everything that happened so far has been read: what an event calls for comes right after it. */
async function heard({ inbox, signal }: AgentContext): Promise<string[]> {
  await inbox?.caughtUp(signal).catch(() => undefined)
  return signal.aborted ? [] : (inbox?.take() ?? [])
}

function report(turn: Turn, model: LanguageModelV4, limits: Limits, { emit, by }: AgentContext): void {
  const { text, thinking } = turn
  if (turn.usage) {
    const { inputTokens, outputTokens } = turn.usage
    const usage = {
      // Without what was read from or written to the cache: the three add up to all that was sent.
      inputTokens: inputTokens.noCache ?? inputTokens.total ?? 0,
      outputTokens: outputTokens.total ?? 0,
      cacheReadTokens: inputTokens.cacheRead ?? 0,
      cacheWriteTokens: inputTokens.cacheWrite ?? 0,
    }
    const cost = limits.charge(usage)
    const named = turn.model ?? model.modelId
    emit({ type: 'agent-usage', by, model: named, ...usage, ...(cost !== undefined && { costUsd: cost }) })
  } else {
    limits.chargeLost()
  }
  if (text.trim() !== '' || thinking !== '')
    emit({ type: 'agent-message', by, role: 'assistant', text, ...(thinking !== '' && { thinking }) })
}

function ending(turn: Turn): AgentEnd {
  if (turn.finish.unified === 'length')
    return { reason: 'limit', detail: `the answer was cut at its token limit (${turn.finish.raw})` }
  return { reason: 'finished' }
}
