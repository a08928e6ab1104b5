/** The agents that have begun and not ended: those whom one can write to. */
import type { RunState } from '../run-state.ts'

export function workingAgents({ timeline: { entries } }: RunState): string[] {
  const working = new Set<string>()
  for (const entry of entries) {
    if (entry.kind === 'agent') working.add(entry.event.by.replace('agent:', ''))
    if (entry.kind === 'agent-end') working.delete(entry.by.replace('agent:', ''))
  }
  return [...working]
}
