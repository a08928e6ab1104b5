/** A run in a few facts: how it went, what it cost, and what a reader must know before believing it. */
import { eventPayloads, type AnsweredBy, type By, type Compute, type Drift, type EventOf } from './events.ts'
import { cellKey } from './fold-cells.ts'
import { foldBy } from './fold.ts'

export type SummaryStatus = 'running' | EventOf<'run-end'>['status']

export interface Usage {
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
}

export interface Summary {
  run: string | null
  experiment: string | null
  profile: string | null
  backend: string | null
  provider: string | null
  seed: number | null
  /** 'none' when nothing keeps the agent's code from the rest of the machine. */
  confinement: string | null
  status: SummaryStatus
  error: { code: string; message: string; hint?: string | undefined } | null
  startedAt: string | null
  endedAt: string | null
  /** Of a run that has not ended: until its last event. */
  durationMs: number
  lastAt: string | null
  /** Cells of the agents and the researcher; Seer's own set-up cells are `hidden`. */
  cells: {
    started: number
    ok: number
    failed: number
    running: number
    superseded: number
    hidden: number
    markdown: number
  }
  /** What each cell was last heard to be, for the counts above. */
  open: Record<string, 'shown' | 'hidden'>
  usage: Usage
  /** By list prices; null where the price of an answer was not known. */
  costUsd: number | null
  /** For all agents together; null where none was set. */
  budgetUsd: number | null
  /** How agents ended. */
  ends: { agent: By; reason: EventOf<'agent-end'>['reason']; detail?: string | undefined }[]
  /** Models that answered, as the API named them. */
  models: string[]
  /** Models under study. */
  subjects: { name: string; weightsSha256: string; quantisation: string }[]
  agents: { name: By; provider: string; model: string }[]
  recorded: AnsweredBy[]
  drift: Record<Drift['verdict'], number> | null
  compute: Compute | null
  findings: number
  artifacts: { name: string; sha256: string; bytes: number }[]
  kernels: { started: number; died: number }
  lost: { messages: number; bytes: number }
  notices: { level: 'info' | 'warning'; code: string; text: string }[]
}

/** More of one kind than anybody would read: the log has them all. */
const MAX_LISTED = 1000

function initial(): Summary {
  return {
    run: null,
    experiment: null,
    profile: null,
    backend: null,
    provider: null,
    seed: null,
    confinement: null,
    status: 'running',
    error: null,
    startedAt: null,
    endedAt: null,
    durationMs: 0,
    lastAt: null,
    cells: { started: 0, ok: 0, failed: 0, running: 0, superseded: 0, hidden: 0, markdown: 0 },
    open: {},
    usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
    costUsd: 0,
    budgetUsd: null,
    ends: [],
    models: [],
    subjects: [],
    agents: [],
    recorded: [],
    drift: null,
    compute: null,
    findings: 0,
    artifacts: [],
    kernels: { started: 0, died: 0 },
    lost: { messages: 0, bytes: 0 },
    notices: [],
  }
}

const steps = foldBy<Summary>(initial, {
  'run-start': (s, e) => {
    const { run, experiment, profile, backend, provider, seed, confinement } = e
    Object.assign(s, { run, experiment, profile, backend, provider, seed, confinement, startedAt: e.at })
    s.budgetUsd = e.budgetUsd ?? null
  },
  'run-end': (s, e) => {
    Object.assign(s, { status: e.status, error: e.error ?? null, endedAt: e.at, durationMs: e.durationMs })
    s.cells.running = 0
    s.open = {}
  },
  'sandbox-start': (s, e) => {
    s.confinement = s.confinement === 'none' ? 'none' : e.confinement
  },
  'session-start': (s, e) => {
    for (const { name, weightsSha256, quantisation } of e.models)
      addOnce(s.subjects, { name, weightsSha256, quantisation })
  },
  'kernel-start': (s) => {
    s.kernels.started += 1
  },
  'kernel-dead': (s, e) => {
    if (e.reason === 'died') s.kernels.died += 1
  },
  'compute-report': (s, e) => {
    const { python, torch, isa, threads, device } = e
    s.compute = { python, torch, isa, threads, device }
  },
  'agent-start': (s, e) => {
    addOnce(s.agents, { name: e.by, provider: e.provider, model: e.model })
    if (e.recorded) addOnce(s.recorded, e.recorded)
  },
  'agent-usage': (s, e) => {
    for (const key of ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens'] as const)
      s.usage[key] += e[key]
    s.costUsd = s.costUsd === null || e.costUsd === undefined ? null : s.costUsd + e.costUsd
    addOnce(s.models, e.model)
  },
  'agent-end': (s, { by, reason, detail }) => addOnce(s.ends, { agent: by, reason, detail }),
  'cell-start': (s, e) => {
    s.open[cellKey(e)] = e.hidden ? 'hidden' : 'shown'
    if (e.hidden) s.cells.hidden += 1
    else s.cells.started += 1
    if (!e.hidden) s.cells.running += 1
    if (e.supersedes !== undefined) s.cells.superseded += 1
  },
  'cell-end': (s, e) => {
    const kind = s.open[cellKey(e)]
    delete s.open[cellKey(e)]
    if (kind !== 'shown') return
    s.cells.running -= 1
    s.cells[e.status === 'ok' ? 'ok' : 'failed'] += 1
  },
  'markdown-add': (s, e) => {
    s.cells.markdown += 1
    if (e.supersedes !== undefined) s.cells.superseded += 1
  },
  'output-lost': (s, e) => {
    s.lost.messages += e.messages
    s.lost.bytes += e.bytes
  },
  'artifact-save': (s, { name, sha256, bytes }) => addOnce(s.artifacts, { name, sha256, bytes }),
  'finding-submit': (s) => {
    s.findings += 1
  },
  'drift-report': (s, e) => {
    s.drift = { exact: 0, 'within-tolerance': 0, differs: 0, missing: 0 }
    for (const { verdict } of e.cells) s.drift[verdict] += 1
  },
  'notice-add': (s, { level, code, text }) => addOnce(s.notices, { level, code, text }),
})

export const summaryFold: typeof steps = {
  initial,
  step(state, event) {
    if (!Object.hasOwn(eventPayloads, event.type)) return state
    const next = steps.step(state, event)
    next.lastAt = event.at
    if (next.endedAt === null && next.startedAt !== null) {
      next.durationMs = Math.max(0, Date.parse(event.at) - Date.parse(next.startedAt))
    }
    return next
  },
}

function addOnce<T>(list: T[], item: T): void {
  const text = JSON.stringify(item)
  if (list.length < MAX_LISTED && !list.some((known) => JSON.stringify(known) === text)) list.push(item)
}
