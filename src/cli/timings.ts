/** `--timings`: where the time goes from enter to the first result of a cell of the agent's. */
import { join } from 'node:path'
import { knownEvents, type RunEvent } from '../run/events.ts'
import { readEvents } from '../run/log-reader.ts'

export interface TimedStep {
  readonly what: string
  /** Milliseconds since enter. */
  readonly at: number
}

export async function timingsTable(folder: string): Promise<string> {
  const { events } = await readEvents(join(folder, 'events.jsonl'))
  const enteredAt = Number(process.env['SEER_STARTED_AT_MS']) || performance.timeOrigin
  return formatTimings(timedSteps(knownEvents(events), { enteredAt, startedAt: performance.timeOrigin }))
}

/** The milestones of a run that were reached, in order. */
export function timedSteps(
  events: readonly RunEvent[],
  { enteredAt, startedAt }: { enteredAt: number; startedAt: number },
): TimedStep[] {
  const first = (matches: (event: RunEvent) => boolean) => events.find(matches)
  const agentCell = first((event) => event.type === 'cell-start' && event.by.startsWith('agent:'))
  const milestones: [string, RunEvent | undefined][] = [
    ['experiment read, run folder made', first(({ type }) => type === 'run-start')],
    ['environment and models ready', first(({ type }) => type === 'sandbox-start')],
    ['host up, session opened', first(({ type }) => type === 'session-start')],
    ['kernel ready', first(({ type }) => type === 'kernel-start')],
    [
      'models loaded (set-up cells)',
      events.findLast((event) => event.type === 'cell-end' && isBefore(event, agentCell)),
    ],
    ['agent started', first(({ type }) => type === 'agent-start')],
    ['agent’s first cell sent', agentCell],
    [
      'its first result',
      agentCell &&
        first(
          (event) => event.type === 'cell-end' && event.cell === agentCell.cell && event.session === agentCell.session,
        ),
    ],
  ]
  const steps: TimedStep[] = [{ what: 'launcher, Node', at: Math.max(0, startedAt - enteredAt) }]
  for (const [what, event] of milestones) if (event) steps.push({ what, at: Date.parse(event.at) - enteredAt })
  return steps
}

function isBefore(event: RunEvent, other: RunEvent | undefined): boolean {
  return other === undefined || event.seq < other.seq
}

export function formatTimings(steps: readonly TimedStep[]): string {
  const rows = steps.map(({ what, at }, i) => {
    const took = at - (steps[i - 1]?.at ?? 0)
    return `  ${seconds(took)}  ${seconds(at)}  ${what}`
  })
  return ['Timings, in seconds: each step, since enter', ...rows].join('\n')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2).padStart(7)
}
