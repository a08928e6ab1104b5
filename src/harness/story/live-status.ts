/** What is being waited for while an agent works: the cell that runs, or the agent's next words. */
import type { RunEvent } from '../../run/events.ts'
import { cellKey } from '../../run/fold-cells.ts'
import { duration } from '../../amounts.ts'
import { inline } from './look.ts'

export interface LiveStatus {
  cells: Map<string, { id: string; since: number }>
  calls: Set<string>
  /** The agent whose words come next, and since when. */
  agent: { name: string; since: number } | null
}

/** A shorter wait needs no word. */
const SILENT_MS = 2000

export function openLiveStatus(): LiveStatus {
  return { cells: new Map(), calls: new Set(), agent: null }
}

export function takeStatus(status: LiveStatus, event: RunEvent): void {
  const since = Date.parse(event.at)
  const agent = () => ({ name: inline(event.by.replace('agent:', ''), 30), since })
  if (event.type === 'cell-start') status.cells.set(cellKey(event), { id: inline(event.cell ?? '', 12), since })
  else if (event.type === 'cell-end') status.cells.delete(cellKey(event))
  else if (event.type === 'session-detach')
    for (const cell of event.cells) status.cells.delete(cellKey({ ...event, cell }))
  else if (event.type === 'kernel-dead') status.cells.clear()
  else if (event.type === 'agent-start') status.agent = agent()
  else if (event.type === 'tool-start') status.calls.add(event.call)
  else if (event.type === 'tool-end') {
    status.calls.delete(event.call)
    status.agent = agent()
  } else if (event.type === 'agent-end' || event.type === 'run-end') Object.assign(status, openLiveStatus())
}

export function statusText({ cells, calls, agent }: LiveStatus, now: number): string | undefined {
  const [running, ...waiting] = cells.values()
  if (running) {
    const more = waiting.length > 0 ? ` (${waiting.map(({ id }) => id).join(', ')} after it)` : ''
    return `${running.id} running · ${duration(wholeSeconds(now - running.since))}${more}`
  }
  if (calls.size > 0 || agent === null || now - agent.since < SILENT_MS) return undefined
  return `waiting for ${agent.name}’s answer · ${duration(wholeSeconds(now - agent.since))}`
}

function wholeSeconds(ms: number): number {
  return Math.max(0, Math.round(ms / 1000)) * 1000
}
