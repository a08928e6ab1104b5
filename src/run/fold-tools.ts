/**
 * The agents' calls of tools that nothing else in the log tells. What `execute_code` did is in its cell, so a call of it is kept
 * only when it was refused, or when the agent stopped waiting for its cell.
 */
import type { By, EventOf } from './events.ts'
import { foldBy } from './fold.ts'

export interface ToolCall {
  /** Of its first event: the key of `calls`. */
  seq: number
  at: string
  by: By
  name: string
  input: EventOf<'tool-start'>['input']
  /** `left`: the agent went on before what it began had ended. `unknown`: the run ended first. */
  status: 'running' | 'ok' | 'refused' | 'interrupted' | 'left' | 'unknown'
  durationMs: number | null
  content: EventOf<'tool-end'>['content']
}

export interface ToolsState {
  calls: Record<string, ToolCall>
  /** Keys of `calls` in the order in which it was known that they are worth telling. */
  order: string[]
  /** Calls without an end, by who called and the call's own id. */
  open: Record<string, ToolCall>
}

/** Their events tell what they did: a line of their own would say it twice. */
export const TOLD_BY_EVENTS: ReadonlySet<string> = new Set([
  'execute_code',
  'edit_cell',
  'add_markdown',
  'submit_finding',
  'save_artifact',
  'interrupt',
  'restart_kernel',
  // A person is about to type: what they type is told.
  'hold_turn',
  'restore_cells',
  'insert_cell',
])

export const toolsFold = foldBy<ToolsState>(() => ({ calls: {}, order: [], open: {} }), {
  'tool-start': (state, { seq, at, by, call, name, input }) => {
    const started: ToolCall = { seq, at, by, name, input, status: 'running', durationMs: null, content: [] }
    state.open[keyOf(by, call)] = started
    if (!TOLD_BY_EVENTS.has(name)) tell(state, started)
  },
  'tool-end': (state, { seq, at, by, call, name, isError, durationMs, content, structured }) => {
    const key = keyOf(by, call)
    const known = state.open[key]
    delete state.open[key]
    const status = statusOf(isError, structured)
    if (TOLD_BY_EVENTS.has(name) && status === 'ok') return
    // A call whose start is missing is told all the same.
    const ended: ToolCall = known ?? { seq, at, by, name, input: null, status, durationMs, content }
    Object.assign(ended, { status, durationMs, content })
    tell(state, ended)
  },
  'run-end': (state) => {
    for (const call of Object.values(state.open)) {
      call.status = 'unknown'
      const told = state.calls[call.seq]
      if (told) told.status = 'unknown'
    }
    state.open = {}
  },
})

/** Not the call itself: the state may have gone through JSON, after which `open` and `calls` hold copies. */
function tell(state: ToolsState, call: ToolCall): void {
  const key = String(call.seq)
  if (!Object.hasOwn(state.calls, key)) state.order.push(key)
  state.calls[key] = { ...call }
}

/** Not a name that plain objects have already, since it holds a slash. */
function keyOf(by: By, call: string): string {
  return `${by}/${call}`
}

function statusOf(isError: boolean, structured: unknown): ToolCall['status'] {
  if (isError) return fieldOf(structured, 'error') === 'interrupted' ? 'interrupted' : 'refused'
  return fieldOf(structured, 'status') === 'running' ? 'left' : 'ok'
}

function fieldOf(structured: unknown, name: string): unknown {
  return typeof structured === 'object' && structured !== null && !Array.isArray(structured)
    ? (structured as Record<string, unknown>)[name]
    : undefined
}
