/** A run in a few facts: how it went, what it cost, and what a reader must know before believing it. */
import { eventPayloads, type AnsweredBy, type By, type Compute, type Drift, type EventOf } from './events.ts'
import { cellKey } from './fold-cells.ts'
import { foldBy } from './fold.ts'
import { subjectSchema, type Subject } from './subject.ts'
import { isRecovery, lifetimeMs } from './lifetime.ts'

export type SummaryStatus = 'running' | EventOf<'run-end'>['status']

export interface Usage {
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
}

interface OpenCell {
  hidden: boolean
  interrupted: boolean
  /** It was interrupted, and raised KeyboardInterrupt after that. */
  gaveIn: boolean
}

export interface Summary {
  run: string | null
  /** The version of Seer. */
  seer: string | null
  experiment: string | null
  profile: string | null
  backend: string | null
  provider: string | null
  seed: number | null
  params: EventOf<'run-start'>['params']
  /** The Python environment of the last sandbox, by the id of its locked packages. */
  environment: { id: string; python: string | null } | null
  /** Of the tools of all sessions. */
  toolsVersion: string | null
  libraries: { name: string; sha256: string }[]
  skills: { name: string; sha256: string }[]
  /** Functions of researchers' files that were served, and how many of their calls came to what. */
  interfaces: { name: string; file: string; sha256: string; functions: string[] }[]
  calls: { made: number; ok: number; failed: number }
  /** 'none' when nothing keeps the agent's code from the rest of the machine. */
  confinement: string | null
  /** Of the last confined sandbox: what it may take of the machine, and who holds it to that. Absent where there was none. */
  limits?: NonNullable<EventOf<'sandbox-start'>['limits']>
  /** The run whose cells this one runs again. Absent for others. */
  replayOf?: string
  /** Sessions that were begun in earlier runs. Absent where there were none. */
  attached?: { session: string; run: string }[]
  /** Sessions that lived on when the run had let go of their sandbox, and their cells that went on. Absent where there were none. */
  detached?: { session: string; cells: string[] }[]
  status: SummaryStatus
  error: { code: string; message: string; hint?: string | undefined } | null
  startedAt: string | null
  /** Of a crashed run: when it was last heard of. */
  endedAt: string | null
  /** Of a run that has not ended: until its last event. */
  durationMs: number
  /** Cells of the agents and the researcher, each in one of the next seven; Seer's own set-up cells are `hidden`. */
  cells: {
    started: number
    ok: number
    failed: number
    /** They raised KeyboardInterrupt when they were interrupted. */
    interrupted: number
    /** Seer ended the kernel while they ran. */
    stopped: number
    unknown: number
    /** They went on when their sandbox was let go. Absent where there were none. */
    detached?: number
    running: number
    superseded: number
    hidden: number
    markdown: number
  }
  /** What the fold itself needs to go on: no facts about the run. */
  open: {
    cells: Record<string, OpenCell>
    /** Those that went on when their sandbox was let go. */
    left: Record<string, OpenCell>
    lastAt: string | null
    recovered: boolean
  }
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
  subjects: Subject[]
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

const NO_CELLS: Summary['cells'] = {
  started: 0,
  ok: 0,
  failed: 0,
  interrupted: 0,
  stopped: 0,
  unknown: 0,
  running: 0,
  superseded: 0,
  hidden: 0,
  markdown: 0,
}

function initial(): Summary {
  return {
    run: null,
    seer: null,
    experiment: null,
    profile: null,
    backend: null,
    provider: null,
    seed: null,
    params: {},
    environment: null,
    toolsVersion: null,
    libraries: [],
    skills: [],
    interfaces: [],
    calls: { made: 0, ok: 0, failed: 0 },
    confinement: null,
    status: 'running',
    error: null,
    startedAt: null,
    endedAt: null,
    durationMs: 0,
    cells: { ...NO_CELLS },
    open: { cells: {}, left: {}, lastAt: null, recovered: false },
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
    const { run, seer, experiment, profile, params, backend, provider, seed, confinement } = e
    Object.assign(s, { run, seer, experiment, profile, params, backend, provider, seed, confinement, startedAt: e.at })
    s.budgetUsd = e.budgetUsd ?? null
    if (e.replayOf !== undefined) s.replayOf = e.replayOf
  },
  'run-end': (s, e) => {
    const endedAt = s.open.recovered ? s.open.lastAt : e.at
    Object.assign(s, { status: e.status, error: e.error ?? null, endedAt, durationMs: e.durationMs })
    s.cells.unknown += s.cells.running
    s.cells.running = 0
    s.open.cells = {}
  },
  'sandbox-start': (s, e) => {
    s.confinement = s.confinement === 'none' ? 'none' : e.confinement
    if (e.limits) s.limits = e.limits
    const { python } = e.attach
    s.environment = { id: e.environment, python: typeof python === 'string' ? python : null }
  },
  'session-start': (s, e) => {
    if (e.attached) addOnce((s.attached ??= []), { session: e.session ?? '', run: e.attached.run })
    for (const model of e.models) addOnce(s.subjects, subjectSchema.parse(model))
    for (const { name, sha256 } of e.libraries) addOnce(s.libraries, { name, sha256 })
    for (const { name, sha256 } of e.skills ?? []) addOnce(s.skills, { name, sha256 })
    const versions = s.toolsVersion?.split(', ') ?? []
    if (!versions.includes(e.toolsVersion)) s.toolsVersion = [...versions, e.toolsVersion].join(', ')
  },
  'interface-start': (s, e) => {
    for (const model of e.models) addOnce(s.subjects, subjectSchema.parse(model))
    addOnce(s.interfaces, { name: e.interface, file: e.file, sha256: e.sha256, functions: e.functions })
  },
  'call-start': (s) => {
    s.calls.made += 1
  },
  'call-end': (s, e) => {
    s.calls[e.status === 'ok' ? 'ok' : 'failed'] += 1
  },
  'kernel-start': (s) => {
    s.kernels.started += 1
  },
  'kernel-dead': (s, e) => {
    if (e.reason === 'died') s.kernels.died += 1
  },
  'compute-report': (s, e) => {
    const { python, torch, isa, threads, device } = e
    // Of a scoped sandbox and of the kernel that calls it: the one that computes with the model.
    if (torch === null && s.compute?.torch) return
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
  'session-detach': (s, e) => {
    addOnce((s.detached ??= []), { session: e.session ?? '', cells: e.cells })
    for (const cell of e.cells) {
      const key = cellKey({ ...e, cell })
      const open = s.open.cells[key]
      delete s.open.cells[key]
      if (!open) continue
      s.open.left[key] = open
      if (open.hidden) continue
      s.cells.running -= 1
      s.cells.detached = (s.cells.detached ?? 0) + 1
    }
  },
  'cell-start': (s, e) => {
    // One that had ended in an earlier run is not of this one, whatever its threads still print.
    if (e.begun?.status !== undefined) return
    const left = s.open.left[cellKey(e)]
    if (left) {
      delete s.open.left[cellKey(e)]
      s.open.cells[cellKey(e)] = left
      if (left.hidden) return
      s.cells.detached = (s.cells.detached ?? 1) - 1
      s.cells.running += 1
      return
    }
    s.open.cells[cellKey(e)] = { hidden: e.hidden, interrupted: false, gaveIn: false }
    if (e.hidden) s.cells.hidden += 1
    else s.cells.started += 1
    if (!e.hidden) s.cells.running += 1
    if (e.supersedes !== undefined) s.cells.superseded += 1
  },
  'cell-end': (s, e) => {
    const cell = s.open.cells[cellKey(e)]
    delete s.open.cells[cellKey(e)]
    if (!cell || cell.hidden) return
    s.cells.running -= 1
    s.cells[countedAs(e.status, cell)] += 1
  },
  'cell-interrupt': (s, e) => {
    const cell = s.open.cells[cellKey(e)]
    if (cell) cell.interrupted = true
  },
  'cell-output': (s, e) => {
    const cell = s.open.cells[cellKey(e)]
    const isInterrupt = e.output.output_type === 'error' && e.output.ename === 'KeyboardInterrupt'
    if (cell?.interrupted && isInterrupt) cell.gaveIn = true
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
  'notice-add': (s, e) => {
    const { level, code, text } = e
    addOnce(s.notices, { level, code, text })
    if (isRecovery(e)) s.open.recovered = true
  },
})

export const summaryFold: typeof steps = {
  initial,
  step(state, event) {
    if (!Object.hasOwn(eventPayloads, event.type)) return state
    const next = steps.step(state, event)
    if (!next.open.recovered) next.open.lastAt = event.at
    if (next.endedAt === null) next.durationMs = lifetimeMs({ startedAt: next.startedAt, lastAt: next.open.lastAt })
    return next
  },
}

function countedAs(status: EventOf<'cell-end'>['status'], { gaveIn }: OpenCell): keyof Summary['cells'] {
  if (status === 'ok' || status === 'stopped' || status === 'unknown') return status
  return status === 'error' && gaveIn ? 'interrupted' : 'failed'
}

function addOnce<T>(list: T[], item: T): void {
  const text = JSON.stringify(item)
  if (list.length < MAX_LISTED && !list.some((known) => JSON.stringify(known) === text)) list.push(item)
}
