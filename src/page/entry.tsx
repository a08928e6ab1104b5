/** One place of the timeline, drawn. */
import { Cell } from './cell.tsx'
import { DriftCard } from './drift.tsx'
import { FindingCard } from './finding.tsx'
import { AgentEnd, AgentStart, RunEnd, Saved } from './milestone.tsx'
import { FunctionCallLine } from './function-call.tsx'
import { InterfaceServed, Printed } from './interface-milestone.tsx'
import { Notice } from './notice.tsx'
import { ProcessLine } from './process-line.tsx'
import type { RunState } from './run-state.ts'
import { Connect, SnapshotSaved } from './sandbox-milestone.tsx'
import { Saying } from './saying.tsx'
import type { Entry } from './timeline.ts'
import { ToolCallLine } from './tool-call.tsx'
import type { View } from './view.ts'

export interface EntryProps {
  readonly entry: Entry
  readonly run: RunState
  readonly current: boolean
  readonly view: View
}

export function EntryView({ entry, run, current, view }: EntryProps) {
  switch (entry.kind) {
    case 'cell': {
      const cell = run.cells.cells[entry.key]
      return cell ? <Cell cell={cell} startedAtMs={Date.parse(entry.at)} current={current} view={view} /> : null
    }
    case 'words':
      return <Saying id={`words-${entry.seq}`} {...entry} view={view} />
    case 'finding': {
      const found = run.findings.findings[entry.index]
      return found ? (
        <FindingCard id={`finding-${entry.index + 1}`} {...found} session={entry.session} view={view} />
      ) : null
    }
    case 'call': {
      const call = run.tools.calls[entry.key]
      return call ? <ToolCallLine call={call} view={view} /> : null
    }
    case 'agent':
      return <AgentStart entry={entry} view={view} />
    case 'agent-end':
      return <AgentEnd entry={entry} />
    case 'notice':
      return <Notice level={entry.level} title={entry.title} text={entry.text} />
    case 'saved':
      return <Saved entry={entry} view={view} />
    case 'process':
      return <ProcessLine entry={entry} view={view} />
    case 'function-call': {
      const call = run.calls.calls[entry.key]
      return call ? <FunctionCallLine call={call} view={view} /> : null
    }
    case 'interface':
      return <InterfaceServed entry={entry} view={view} />
    case 'printed':
      return <Printed entry={entry} view={view} />
    case 'connect':
      return <Connect entry={entry} />
    case 'snapshot':
      return <SnapshotSaved entry={entry} />
    case 'drift':
      return <DriftCard report={entry.report} view={view} />
    case 'end':
      return <RunEnd entry={entry} />
  }
}

/** Changes whenever what is drawn of an entry would. */
export function versionOf(entry: Entry, run: RunState): string {
  if (entry.kind === 'cell') return String(run.cells.cells[entry.key]?.version ?? 0)
  if (entry.kind === 'call') {
    const call = run.tools.calls[entry.key]
    return call ? `${call.status} ${call.durationMs}` : ''
  }
  if (entry.kind === 'function-call') return run.calls.calls[entry.key]?.status ?? ''
  if (entry.kind === 'printed') return String(entry.text.length)
  if (entry.kind === 'process') return entry.end === null ? 'running' : 'ended'
  return ''
}
