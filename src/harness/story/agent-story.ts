/** What an agent says and asks for: its words behind `│`, its reasoning behind `┆`, its calls of tools on a line each. */
import type { AnsweredBy, EventOf } from '../../run/events.ts'
import { count } from '../../notebook/output-text.ts'
import { duration, plural, usd } from '../../amounts.ts'
import { TOLD_BY_EVENTS } from '../../run/fold-tools.ts'
import { behind, inline, linesOf } from './look.ts'
import { inBlock, type StoryState } from './state.ts'

const MAX_WORDS_LINES = 120
const MAX_THINKING_LINES = 8

export function startAgent(state: StoryState, event: EventOf<'agent-start'>): string[] {
  const { colors } = state.look
  state.agents.add(event.by)
  state.usage = { turns: 0, sent: 0, cached: 0, received: 0, costUsd: 0 }
  const facts = `${plural(event.tools.length, 'tool')}, a prompt of ${count(event.prompt.length)} characters`
  // Who recorded it, and when, stands once, before the story.
  const words = event.recorded
    ? colors.yellow('recorded')
    : `${inline(event.model, 50)} (${inline(event.provider, 20)})`
  return inBlock(state, `start ${event.seq}`, [
    `${colors.bold(inline(event.role, 30))} · ${words} ${colors.dim(`· ${facts}`)}`,
  ])
}

/** Said before a recording is told, so that it cannot pass for a live run. */
export function recordedText({ provider, model, at, knewTruth, note }: AnsweredBy): string {
  const saw =
    knewTruth === null ? 'not known whether it had seen the answer' : `it had ${knewTruth ? '' : 'not '}seen the answer`
  const who = note === undefined ? `${inline(provider, 20)}/${inline(model, 40)}` : inline(note, 120)
  return `RECORDED on ${inline(at.slice(0, 10), 10)} — ${who}; ${saw}. Its code runs now, so the numbers are fresh.`
}

export function agentWords(state: StoryState, event: EventOf<'agent-message'>): string[] {
  const { look } = state
  const { colors } = look
  const role = inline(event.agent ?? event.by.replace('agent:', ''), 30)
  if (event.role === 'user') {
    const isFirst = !state.begun.has(role)
    state.begun.add(role)
    if (isFirst && event.by === 'system') return firstMessage(state, event.text)
    const from = event.by === 'researcher' ? 'you' : 'Seer'
    const rows = behind(look, `${colors.dim('│')} `, shorten(event.text, MAX_WORDS_LINES), { fold: 'words' })
    return inBlock(state, `words ${event.seq}`, rows, [`${colors.bold(from)} ${colors.dim(`to ${role}`)}`])
  }
  const thinking = event.thinking?.trim()
    ? behind(look, `${colors.dim('┆')} `, shorten(event.thinking, MAX_THINKING_LINES), {
        fold: 'words',
        paint: colors.dim,
      })
    : []
  const words =
    event.text.trim() === ''
      ? []
      : behind(look, `${colors.magenta('│')} `, shorten(event.text, MAX_WORDS_LINES), { fold: 'words' })
  return inBlock(state, `words ${event.seq}`, [...thinking, ...words], [colors.bold(role)])
}

function firstMessage(state: StoryState, text: string): string[] {
  const { look } = state
  const { dim } = look.colors
  const rows = behind(look, `${dim('│')} `, shorten(text, MAX_WORDS_LINES), { fold: 'words', paint: dim })
  const short = `first message: ${inline(text, look.width)}`
  return inBlock(
    state,
    state.block,
    rows.length === 1 && short.length <= look.width ? [dim(short)] : [dim('first message:'), ...rows],
  )
}

export function agentRetry(state: StoryState, event: EventOf<'agent-retry'>): string[] {
  const text = `the model's provider failed (attempt ${event.attempt}): ${inline(event.reason, 120)}; again in ${duration(event.delayMs)}`
  const { yellow } = state.look.colors
  return inBlock(state, 'notes', behind(state.look, `${yellow('!')} `, [text], { fold: 'words', paint: yellow }))
}

export function endAgent(state: StoryState, event: EventOf<'agent-end'>): string[] {
  const { colors } = state.look
  const { turns, sent, cached, received, costUsd } = state.usage
  const cost = costUsd > 0 ? `, ${usd(costUsd)}` : ''
  const role = inline(event.agent ?? event.by.replace('agent:', ''), 30)
  const how = { finished: 'finished', limit: 'stopped at a limit', interrupted: 'was interrupted', failed: 'failed' }[
    event.reason
  ]
  const tokens =
    turns === 0
      ? []
      : [
          colors.dim(
            `  ${plural(turns, 'turn')}, ${count(sent)} tokens sent (${count(cached)} from the cache), ${count(received)} received${cost}`,
          ),
        ]
  // A failure is thrown as well, and told by whoever catches it: `seer run` at its end, `seer show` before the story.
  const isTold = state.error !== undefined && event.detail?.startsWith(state.error) === true
  const detail =
    event.detail === undefined || isTold || (state.live && event.reason === 'failed')
      ? []
      : behind(state.look, `${colors.yellow('│')} `, linesOf(event.detail), { fold: 'words' })
  const paint = event.reason === 'finished' ? (text: string) => text : colors.yellow
  return inBlock(state, `end ${event.seq}`, [`${colors.bold(role)} ${paint(how)}`, ...detail, ...tokens])
}

export function countUsage(state: StoryState, event: EventOf<'agent-usage'>): void {
  const { usage } = state
  usage.turns += 1
  usage.sent += event.inputTokens + event.cacheReadTokens + event.cacheWriteTokens
  usage.cached += event.cacheReadTokens
  usage.received += event.outputTokens
  usage.costUsd += event.costUsd ?? 0
}

export function startCall(state: StoryState, event: EventOf<'tool-start'>): void {
  if (state.calls.size < 1000) state.calls.set(event.call, { name: event.name, input: event.input })
}

export function endCall(state: StoryState, event: EventOf<'tool-end'>): string[] {
  const { look } = state
  const { colors } = look
  const call = state.calls.get(event.call)
  state.calls.delete(event.call)
  const text = event.content
    .map((block) => (block.type === 'text' ? block.text : `[image ${block.mediaType}]`))
    .join('\n')
  const name = inline(event.name, 30)
  if (event.isError && fieldOf(event.structured, 'error') === 'interrupted')
    return inBlock(state, 'notes', [`${colors.dim('·')} ${colors.yellow(`${name} was interrupted`)}`])
  if (event.isError) {
    const rows = behind(look, `${colors.yellow('  │')} `, shorten(text, 6), { fold: 'words' })
    return inBlock(state, 'notes', [colors.yellow(`! ${name} was refused:`), ...rows])
  }
  const told = TOLD_BY_EVENTS.has(event.name)
  if (told && fieldOf(event.structured, 'status') !== 'running') return []
  const after = colors.dim(` · ${duration(event.durationMs)}`)
  const asked = told ? '' : `(${inputOf(call?.input, Math.floor(look.width / 3))})`
  const room = look.width - name.length - asked.length - 16
  return inBlock(state, 'notes', [`${colors.dim('·')} ${name}${asked} → ${inline(text, Math.max(20, room))}${after}`])
}

function fieldOf(structured: unknown, name: string): unknown {
  return typeof structured === 'object' && structured !== null && !Array.isArray(structured)
    ? (structured as Record<string, unknown>)[name]
    : undefined
}

function inputOf(input: unknown, columns: number): string {
  if (typeof input !== 'object' || input === null) return ''
  const fields = Object.entries(input).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value.slice(0, 200) : JSON.stringify(value).slice(0, 200)}`,
  )
  return inline(fields.join(', '), columns)
}

function shorten(text: string, max: number): string[] {
  const lines = linesOf(text.trim())
  return lines.length <= max + 2 ? lines : [...lines.slice(0, max), `… ${count(lines.length - max)} more lines`]
}
