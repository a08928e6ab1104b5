/** The agents that have begun and not ended: those whom one can write to. */
import type { RunState } from '../run-state.ts'

export interface WorkingAgents {
  readonly agents: readonly string[]
  /** All of them play recordings. */
  readonly isRecorded: boolean
}

export function workingAgents({ timeline: { entries } }: RunState): WorkingAgents {
  const working = new Map<string, boolean>()
  for (const entry of entries) {
    if (entry.kind === 'agent') working.set(entry.event.by.replace('agent:', ''), entry.event.recorded !== undefined)
    if (entry.kind === 'agent-end') working.delete(entry.by.replace('agent:', ''))
  }
  return { agents: [...working.keys()], isRecorded: working.size > 0 && [...working.values()].every(Boolean) }
}
