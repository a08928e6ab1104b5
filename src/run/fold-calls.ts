/** Calls of served functions: who called what from where, and what came of it. */
import type { By, EventOf } from './events.ts'
import type { CalledWith } from './interface-events.ts'
import { foldBy } from './fold.ts'

export interface FunctionCall {
  /** Of its first event: unique, and in order. */
  seq: number
  at: string
  call: string
  by: By
  interface: string
  function: string
  from: EventOf<'call-start'>['from']
  session: string | null
  /** The cell that ran when it was made. */
  cell: string | null
  args: CalledWith
  /** `unknown`: the run ended first. */
  status: 'running' | EventOf<'call-end'>['status'] | 'unknown'
  durationMs: number | null
  result: CalledWith | null
  error: EventOf<'call-end'>['error'] | null
}

export interface CallsState {
  calls: Record<string, FunctionCall>
  /** Keys of those without an end. */
  open: Record<string, true>
}

/** Calls are numbered in a run, from `f1` on. */
export const callsFold = foldBy<CallsState>(() => ({ calls: {}, open: {} }), {
  'call-start': (state, event) => {
    const { seq, at, call, by, interface: served, function: called, from, session = null, cell = null, args } = event
    const end = { status: 'running' as const, durationMs: null, result: null, error: null }
    state.calls[keyOf(call)] = {
      seq,
      at,
      call,
      by,
      interface: served,
      function: called,
      from,
      session,
      cell,
      args,
      ...end,
    }
    state.open[keyOf(call)] = true
  },
  'call-end': (state, { call, status, durationMs, result = null, error = null }) => {
    const known = state.calls[keyOf(call)]
    if (known) Object.assign(known, { status, durationMs, result, error })
    delete state.open[keyOf(call)]
  },
  'run-end': (state) => {
    for (const key of Object.keys(state.open)) {
      const call = state.calls[key]
      if (call) call.status = 'unknown'
    }
    state.open = {}
  },
})

/** Never a name that objects have by themselves. */
export function keyOf(call: string): string {
  return `call/${call}`
}
