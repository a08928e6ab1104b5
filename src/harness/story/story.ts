/**
 * The telling of a run in a terminal: event by event, (event, state) → lines. While an agent works and from the log months
 * later it is the same.
 *
 * Words, code and output were written by an agent or a model. They are made harmless (no escape sequence, no control
 * character), and each of their lines stands behind a mark, so that none of them can pass for a line of Seer's.
 */
import type { RunEvent, UnknownEvent } from '../../run/events.ts'
import { eventPayloads } from '../../run/events.ts'
import { agentRetry, agentWords, countUsage, endAgent, endCall, startAgent, startCall } from './agent-story.ts'
import {
  addMarkdown,
  arrangeCell,
  cellOutput,
  endCell,
  interruptCell,
  leaveCells,
  leaveSession,
  noteOnCell,
  startCell,
  updateWidget,
} from './cell-story.ts'
import { driftTable } from './drift-table.ts'
import { findingBox } from './finding-box.ts'
import {
  endFunctionCall,
  endInterface,
  interfacePrinted,
  leaveFunctionCalls,
  startFunctionCall,
  startInterface,
} from './interface-story.ts'
import { fit, inline } from './look.ts'
import { endProcess, startProcess } from './process-story.ts'
import * as run from './run-story.ts'
import { inBlock, type StoryState } from './state.ts'

/** The lines that an event adds. Changes the state. */
export function storyLines(state: StoryState, event: RunEvent | UnknownEvent): string[] {
  const lines = Object.hasOwn(eventPayloads, event.type)
    ? tell(state, event as RunEvent)
    : run.unknownEvent(state, event.type)
  return lines.map((line) => fit(state.look, line))
}

function tell(state: StoryState, event: RunEvent): string[] {
  switch (event.type) {
    case 'run-start':
      return state.framed ? [] : run.startRun(state, event)
    case 'run-end':
      return [...leaveCells(state), ...leaveFunctionCalls(state), ...(state.framed ? [] : run.endRun(state, event))]
    case 'run-steer':
      return run.steered(state, event)
    case 'sandbox-start':
      return state.framed ? [] : run.startSandbox(state, event)
    case 'session-start':
      return run.startSession(state, event)
    case 'kernel-start':
      return run.startKernel(state, event)
    case 'kernel-dead':
      return run.deadKernel(state, event)
    case 'compute-report':
      return state.framed ? [] : run.reportCompute(state, event)
    case 'agent-start':
      return startAgent(state, event)
    case 'agent-message':
      return agentWords(state, event)
    case 'agent-usage':
      countUsage(state, event)
      return []
    case 'agent-retry':
      return agentRetry(state, event)
    case 'agent-end':
      return endAgent(state, event)
    case 'tool-start':
      startCall(state, event)
      return []
    case 'tool-end':
      return endCall(state, event)
    case 'cell-start':
      return startCell(state, event)
    case 'cell-output':
      return cellOutput(state, event)
    case 'widget-update':
      updateWidget(state, event)
      return []
    case 'cell-end':
      return endCell(state, event)
    case 'cell-interrupt':
      return interruptCell(state, event)
    case 'cell-remove':
    case 'cell-move':
      return arrangeCell(state, event)
    case 'output-lost':
      return run.lostOutput(state, event)
    case 'markdown-add':
      return addMarkdown(state, event)
    case 'result-record':
    case 'result-save':
      return noteOnCell(state, event)
    case 'artifact-save':
      return run.keptArtifact(state, event)
    case 'finding-submit':
      return state.framed
        ? run.note(state, 'a finding was submitted (below)')
        : inBlock(state, `finding ${event.seq}`, findingBox(state.look, event.finding, event.by))
    case 'drift-report':
      return state.framed ? [] : inBlock(state, 'drift', driftTable(state.look, event))
    case 'notice-add':
      return event.level === 'warning' ? run.warning(state, event.text) : run.note(state, inline(event.text, 400))
    case 'process-start':
      startProcess(state, event)
      return []
    case 'process-end':
      return endProcess(state, event)
    case 'interface-start':
      return startInterface(state, event)
    case 'interface-output':
      return interfacePrinted(state, event)
    case 'interface-end':
      return endInterface(state, event)
    case 'call-start':
      startFunctionCall(state, event)
      return []
    case 'call-end':
      return endFunctionCall(state, event)
    case 'network-connect':
      return run.askedForNetwork(state, event)
    case 'snapshot-save':
      return run.savedSnapshot(state, event)
    case 'sandbox-end':
      return run.endSandbox(state, event)
    case 'session-detach':
      return [...leaveSession(state, event), ...run.leftSession(state, event)]
    case 'session-end':
      return []
  }
}
