/**
 * A run in the order in which it happened: what each place of the page shows. Cells, findings and calls are named here and kept
 * in their own folds. (A notebook puts an edited cell where the old one was; whoever watches wants it where it is now.)
 */
import { commandText, wholeCommand } from '../run/command-text.ts'
import type { By, EventOf } from '../run/events.ts'
import { cellKey } from '../run/fold-cells.ts'
import { keyOf } from '../run/fold-calls.ts'
import { foldBy, type Steps } from '../run/fold.ts'

interface Placed {
  /** Of the event that put it there: unique, and in order. */
  seq: number
  at: string
}

export type ProcessEnd = Pick<
  EventOf<'process-end'>,
  'exitCode' | 'signal' | 'because' | 'durationMs' | 'stdout' | 'stderr' | 'omittedBytes'
>

export type Entry = Placed &
  (
    | { kind: 'cell'; key: string }
    | { kind: 'words'; by: By; to: string | null; text: string; thinking?: string | undefined }
    | { kind: 'finding'; index: number; session: string | null }
    | { kind: 'call'; key: string }
    | {
        kind: 'agent'
        event: Pick<EventOf<'agent-start'>, 'by' | 'role' | 'provider' | 'model' | 'prompt' | 'tools' | 'recorded'>
      }
    | { kind: 'agent-end'; by: By; reason: EventOf<'agent-end'>['reason']; detail: string | null }
    | { kind: 'notice'; level: 'info' | 'warning'; title: string; text: string }
    | { kind: 'saved'; name: string; sha256: string; bytes: number; file: string | null }
    | {
        kind: 'process'
        by: By
        /** On one line, and as it was given. */
        command: string
        code: string
        /** Null while it runs. */
        end: ProcessEnd | 'unknown' | null
      }
    | { kind: 'function-call'; key: string }
    | { kind: 'interface'; name: string; file: string; functions: string[] }
    | { kind: 'printed'; name: string; stream: 'stdout' | 'stderr'; text: string }
    | { kind: 'connect'; host: string; port: number; allowed: boolean; because: string | null }
    | { kind: 'snapshot'; name: string; snapshot: string; files: number; bytes: number }
    | { kind: 'drift'; report: Pick<EventOf<'drift-report'>, 'recorded' | 'fresh' | 'rtol' | 'cells'> }
    | {
        kind: 'end'
        status: EventOf<'run-end'>['status']
        durationMs: number
        error: EventOf<'run-end'>['error'] | null
      }
  )

export interface TimelineState {
  entries: Entry[]
  /** Keys of cells that have a place. */
  cells: Record<string, number>
  findings: number
  /** Places of processes that run. */
  processes: Record<string, number>
}

const steps: Steps<TimelineState> = {
  'cell-start': (state, event) => placeCell(state, event),
  'markdown-add': (state, event) => placeCell(state, event),
  'cell-output': (state, event) => placeCell(state, event),
  'session-start': (state, { seq, at, session = 'A session', attached }) => {
    if (!attached) return
    const text = `${session} goes on from the run ${attached.run}, with its variables; its earlier cells are in that run.`
    state.entries.push({ kind: 'notice', seq, at, level: 'info', title: 'Session taken up', text })
  },
  'session-detach': (state, { seq, at, session = 'A session', cells }) => {
    const going = cells.length === 0 ? '' : `; ${cells.join(', ')} still ran, and went on`
    const text = `${session} lives on in its sandbox, with its variables${going}.`
    state.entries.push({ kind: 'notice', seq, at, level: 'info', title: 'Sandbox let go', text })
  },
  'agent-start': (state, { seq, at, by, role, provider, model, prompt, tools, recorded }) => {
    state.entries.push({ kind: 'agent', seq, at, event: { by, role, provider, model, prompt, tools, recorded } })
  },
  'agent-message': (state, { seq, at, by, role, agent, text, thinking }) => {
    const to = role === 'user' ? (agent ?? null) : null
    if (text.trim() === '' && !thinking?.trim()) return
    state.entries.push({ kind: 'words', seq, at, by, to, text, thinking })
  },
  'agent-retry': (state, { seq, at, reason, attempt, delayMs }) => {
    const text = `Attempt ${attempt}: ${reason}. Asked again after ${Math.round(delayMs / 100) / 10} s.`
    state.entries.push({ kind: 'notice', seq, at, level: 'warning', title: 'The model’s provider failed', text })
  },
  'agent-end': (state, { seq, at, by, reason, detail = null }) => {
    state.entries.push({ kind: 'agent-end', seq, at, by, reason, detail })
  },
  'finding-submit': (state, { seq, at, session = null }) => {
    state.entries.push({ kind: 'finding', seq, at, session, index: state.findings })
    state.findings += 1
  },
  'kernel-dead': (state, { seq, at, session, reason, exitCode, signal, because }) => {
    const how = signal ?? (exitCode === null ? 'no exit code' : `exit code ${exitCode}`)
    const title = reason === 'died' ? 'The kernel died' : 'The kernel was ended'
    const text = `${session ?? 'A session'}: ${how}${because === undefined ? '' : `, ${because}`}. Its variables are lost.`
    state.entries.push({ kind: 'notice', seq, at, level: reason === 'died' ? 'warning' : 'info', title, text })
  },
  'run-steer': (state, { seq, at, action, from, agent }) => {
    const words = { interrupt: 'interrupted', message: 'wrote to', stop: 'asked to stop' }[action]
    const text = `The researcher ${words} ${action === 'stop' ? 'the run' : (agent ?? 'the agent')}, from the ${from}.`
    state.entries.push({ kind: 'notice', seq, at, level: 'info', title: 'Taking part', text })
  },
  'artifact-save': (state, { seq, at, name, sha256, bytes }) => {
    state.entries.push({ kind: 'saved', seq, at, name, sha256, bytes, file: null })
  },
  'result-save': (state, { seq, at, name, sha256, bytes, file }) => {
    state.entries.push({ kind: 'saved', seq, at, name, sha256, bytes, file })
  },
  'process-start': (state, event) => {
    const { seq, at, by } = event
    state.processes[processKey(event)] = state.entries.length
    const told = { command: commandText(event), code: wholeCommand(event) }
    state.entries.push({ kind: 'process', seq, at, by, ...told, end: null })
  },
  'process-end': (state, event) => {
    const { exitCode, signal, because, durationMs, stdout, stderr, omittedBytes } = event
    const entry = state.entries[state.processes[processKey(event)] ?? -1]
    if (entry?.kind === 'process') entry.end = { exitCode, signal, because, durationMs, stdout, stderr, omittedBytes }
    delete state.processes[processKey(event)]
  },
  'interface-start': (state, { seq, at, interface: name, file, functions }) => {
    state.entries.push({ kind: 'interface', seq, at, name, file, functions })
  },
  'interface-output': (state, { seq, at, interface: name, stream, text }) => {
    const last = state.entries.at(-1)
    const goesOn = last?.kind === 'printed' && last.name === name && last.stream === stream
    if (goesOn) last.text += text
    else state.entries.push({ kind: 'printed', seq, at, name, stream, text })
  },
  'interface-end': (state, { seq, at, interface: name, reason }) => {
    const text = `${name} is served no longer: ${reason}.`
    state.entries.push({ kind: 'notice', seq, at, level: 'info', title: 'Interface', text })
  },
  'call-start': (state, { seq, at, call, from }) => {
    // As a tool it has a line already.
    if (from !== 'tool') state.entries.push({ kind: 'function-call', seq, at, key: keyOf(call) })
  },
  'network-connect': (state, { seq, at, host, port, allowed, because = null }) => {
    state.entries.push({ kind: 'connect', seq, at, host, port, allowed, because })
  },
  'snapshot-save': (state, { seq, at, name, snapshot, files, bytes }) => {
    state.entries.push({ kind: 'snapshot', seq, at, name, snapshot, files, bytes })
  },
  'drift-report': (state, { seq, at, recorded, fresh, rtol, cells }) => {
    state.entries.push({ kind: 'drift', seq, at, report: { recorded, fresh, rtol, cells } })
  },
  'notice-add': (state, { seq, at, level, code, text }) => {
    state.entries.push({ kind: 'notice', seq, at, level, title: code, text })
  },
  'output-lost': (state, { seq, at, cell, messages, bytes }) => {
    if (cell !== undefined) return
    const text = `${messages} messages (${bytes} bytes) that belong to no cell were lost.`
    state.entries.push({ kind: 'notice', seq, at, level: 'warning', title: 'Output lost', text })
  },
  'run-end': (state, { seq, at, status, durationMs, error = null }) => {
    for (const index of Object.values(state.processes)) {
      const entry = state.entries[index]
      if (entry?.kind === 'process') entry.end = 'unknown'
    }
    state.processes = {}
    state.entries.push({ kind: 'end', seq, at, status, durationMs, error })
  },
}

export const timelineFold = foldBy<TimelineState>(() => ({ entries: [], cells: {}, findings: 0, processes: {} }), steps)

/** A cell stands where it was first heard of. */
function placeCell(state: TimelineState, event: EventOf<'cell-start' | 'markdown-add' | 'cell-output'>): void {
  const key = cellKey(event)
  if (state.cells[key] !== undefined) return
  state.cells[key] = state.entries.length
  state.entries.push({ kind: 'cell', seq: event.seq, at: event.at, key })
}

/** Never a name that objects have by themselves. */
function processKey({ sandbox, process }: EventOf<'process-start' | 'process-end'>): string {
  return `${sandbox ?? ''}/${process}`
}
