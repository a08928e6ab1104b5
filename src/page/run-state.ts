/** Everything that the page knows of a run: folds of its log. */
import type { AnyEvent, Fold } from '../run/fold.ts'
import { callsFold, type CallsState } from '../run/fold-calls.ts'
import { cellsFold, type CellsState } from '../run/fold-cells.ts'
import { findingsFold, type FindingsState } from '../run/fold-findings.ts'
import { summaryFold, type Summary } from '../run/fold-summary.ts'
import { toolsFold, type ToolsState } from '../run/fold-tools.ts'
import { timelineFold, type TimelineState } from './timeline.ts'

export interface RunState {
  summary: Summary
  cells: CellsState
  tools: ToolsState
  calls: CallsState
  findings: FindingsState
  timeline: TimelineState
}

export const runFold: Fold<RunState> = {
  initial: () => ({
    summary: summaryFold.initial(),
    cells: cellsFold.initial(),
    tools: toolsFold.initial(),
    calls: callsFold.initial(),
    findings: findingsFold.initial(),
    timeline: timelineFold.initial(),
  }),
  step(state, event: AnyEvent) {
    const callsBefore = state.tools.order.length
    state.summary = summaryFold.step(state.summary, event)
    state.cells = cellsFold.step(state.cells, event)
    state.tools = toolsFold.step(state.tools, event)
    state.calls = callsFold.step(state.calls, event)
    state.findings = findingsFold.step(state.findings, event)
    state.timeline = timelineFold.step(state.timeline, event)
    // Whether a call is told may be known only at its end: it stands where that was known.
    const { order } = state.tools
    const newest = order.at(-1)
    if (order.length > callsBefore && newest !== undefined) {
      state.timeline.entries.push({ kind: 'call', key: newest, seq: event.seq, at: event.at })
    }
    return state
  },
}
