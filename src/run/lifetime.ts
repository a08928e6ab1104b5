/**
 * How long a run lived, from its log. A run that crashed lived until its last event before the recovery: what is read from its
 * sandbox afterwards adds to the log, and nothing to its life.
 */
import { eventPayloads } from './events.ts'
import { foldBy, type AnyEvent, type Fold } from './fold.ts'

/** The code of the notice with which a recovery begins. */
export const RECOVERY_NOTICE = 'run-recovered'

export interface Lifetime {
  startedAt: string | null
  lastAt: string | null
  recovered: boolean
  /** How long the cells ran that ended in it, by session: within one they run one after another. */
  cellsMs: Record<string, number>
  /** Cells that began in an earlier run. */
  begunBefore: Record<string, true>
  /** What the end of the run says. */
  saidMs: number | null
}

/** Clocks of two processes, and times rounded to milliseconds. */
const SLACK_MS = 1000

const steps = foldBy<Lifetime>(
  () => ({ startedAt: null, lastAt: null, recovered: false, cellsMs: {}, begunBefore: {}, saidMs: null }),
  {
    'run-start': (state, event) => {
      state.startedAt ??= event.at
    },
    'notice-add': (state, event) => {
      if (isRecovery(event)) state.recovered = true
    },
    'cell-start': (state, event) => {
      if (event.begun) state.begunBefore[`${event.session ?? ''}/${event.cell ?? ''}`] = true
    },
    'cell-end': (state, event) => {
      const key = `${event.sandbox ?? ''}/${event.session ?? ''}`
      if (state.begunBefore[`${event.session ?? ''}/${event.cell ?? ''}`]) return
      if (!state.recovered) state.cellsMs[key] = (state.cellsMs[key] ?? 0) + event.durationMs
    },
    'run-end': (state, event) => {
      state.saidMs = event.durationMs
    },
  },
)

export const lifetimeFold: Fold<Lifetime> = {
  initial: () => steps.initial(),
  step(state, event) {
    if (!Object.hasOwn(eventPayloads, event.type)) return state
    const next = steps.step(state, event)
    if (!next.recovered) next.lastAt = event.at
    return next
  },
}

export function isRecovery(event: AnyEvent): boolean {
  return event.type === 'notice-add' && event.by === 'system' && 'code' in event && event.code === RECOVERY_NOTICE
}

/** From its start to its last event. */
export function lifetimeMs({ startedAt, lastAt }: Pick<Lifetime, 'startedAt' | 'lastAt'>): number {
  return startedAt === null || lastAt === null ? 0 : Math.max(0, Date.parse(lastAt) - Date.parse(startedAt))
}

/** Why the duration in a run's last event cannot be true: it is longer than the events span, or shorter than the cells ran. */
export function durationProblem(lifetime: Lifetime): string | undefined {
  const { saidMs, startedAt } = lifetime
  if (saidMs === null || startedAt === null) return undefined
  const says = `run-end says that the run took ${saidMs} ms`
  const spanMs = lifetimeMs(lifetime)
  if (saidMs > spanMs + SLACK_MS) return `${says}; its events span ${spanMs} ms`
  const ranMs = Math.round(Math.max(0, ...Object.values(lifetime.cellsMs)))
  if (saidMs < ranMs - SLACK_MS) return `${says}; its cells alone ran for ${ranMs} ms`
  return undefined
}
