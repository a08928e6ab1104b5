/** `seer replay`: the cells of a run again, in a sandbox like the one that it had, and what they put out now beside what they put out then. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { confinementOfRun } from '../../environment/choose-confinement.ts'
import { readGivenFiles } from '../../environment/files/files-record.ts'
import { showProgress } from '../../environment/progress.ts'
import { Sandbox } from '../../environment/sandbox.ts'
import type { SandboxConfig } from '../../environment/sandbox-config.ts'
import { firstError, SeerError } from '../../errors.ts'
import { DEFAULT_RTOL } from '../../harness/drift.ts'
import { knownEvents, type Compute, type EventOf, type RunEvent } from '../../run/events.ts'
import type { Summary } from '../../run/fold-summary.ts'
import { readEvents } from '../../run/log-reader.ts'
import { newRunFolder } from '../../run/paths.ts'
import { Run, type RunStatus } from '../../run/run.ts'
import { SEER_VERSION } from '../../run/version.ts'
import { createNotebookSession, playerOf } from '../../session/notebook-session.ts'
import { checkGiven, checkWeights } from './check.ts'
import { compareSession, type Compared, type Pair } from './compare.ts'
import { replayConfig, type ReplayWishes } from './config.ts'
import { planSession, type SessionPlan } from './plan.ts'
import { playSession, type PlayOptions } from './play.ts'
import { notRepeated, readSource, type Source, type SourceSandbox, type SourceSession } from './source.ts'
import { replayWorkspace } from './workspace.ts'

export interface ReplayRequest extends ReplayWishes {
  /** The folder of the run. */
  readonly folder: string
  readonly outputDir: string
  /** Everything that ran, and not only what the notebook shows. */
  readonly all: boolean
  readonly rtol?: number
  readonly signal: AbortSignal
  readonly onStart: (facts: { run: Run; source: Source; notRepeated: readonly string[] }) => void
  readonly onCell: PlayOptions['onCell']
}

export interface ReplayOutcome {
  readonly folder: string
  readonly status: RunStatus
  readonly summary: Summary
  readonly cells: readonly Compared[]
  readonly left: SessionPlan['left']
  readonly recorded: Compute
  readonly fresh: Compute
  readonly rtol: number
  readonly error?: unknown
}

/** Of one session: its plan, and how its cells are called now. */
interface Played {
  readonly source: SourceSession
  readonly plan: SessionPlan
  readonly fresh: string
  readonly pairs: readonly Pair[]
}

const UNKNOWN: Compute = { python: 'unknown', torch: null, isa: 'unknown', threads: null, device: 'unknown' }

export async function replayRun(request: ReplayRequest): Promise<ReplayOutcome> {
  const source = await readSource(request.folder)
  const { sandboxes } = source
  const plans = new Map(
    sandboxes.flatMap(({ start, sessions }) =>
      sessions.map(({ id }) => [
        id,
        planSession(source.events, id, { all: request.all, fromSnapshot: start.snapshot !== undefined }),
      ]),
    ),
  )
  if ([...plans.values()].every(({ cells }) => cells.length === 0))
    throw new SeerError('replay-unclear', { message: `There is no cell in ${source.run} that could be run again.` })
  const confinement = await confinementOfRun(request.unconfined)
  const configs: SandboxConfig[] = []
  {
    using shown = showProgress()
    for (const sandbox of sandboxes)
      configs.push(await replayConfig(source, sandbox, request, { signal: request.signal, progress: shown }))
    for (const sandbox of sandboxes)
      for (const session of sandbox.sessions) replayWorkspace(source, session, plans.get(session.id)!)
  }
  const { params, seed } = source.start
  const run = Run.create(
    newRunFolder(request.outputDir, 'replay', new Date()),
    {
      seer: SEER_VERSION,
      experiment: 'replay',
      profile: null,
      params,
      backend: 'local',
      confinement,
      provider: 'replay',
      seed,
      replayOf: source.run,
    },
    request.signal,
  )
  const outside = notRepeated(source)
  const played: Played[] = []
  let status: RunStatus = 'completed'
  let failure: unknown
  let report: Pick<ReplayOutcome, 'cells' | 'recorded' | 'fresh'> = { cells: [], recorded: UNKNOWN, fresh: UNKNOWN }
  try {
    say(run, source, plans, outside)
    request.onStart({ run, source, notRepeated: outside })
    for (const [i, sandbox] of sandboxes.entries())
      played.push(...(await playSandbox(source, sandbox, configs[i]!, plans, run, request)))
    report = await reportOf(run, source, played, request.rtol ?? DEFAULT_RTOL)
    run.signal.throwIfAborted()
  } catch (error) {
    failure = firstError(error)
    status = run.signal.aborted && !(failure instanceof SeerError && failure.endsRun) ? 'interrupted' : 'failed'
  }
  try {
    await run.end(status, status === 'failed' ? failure : undefined)
  } catch (error) {
    status = 'failed'
    failure ??= error
  }
  const left = [...plans.values()].flatMap((plan) => plan.left)
  const rtol = request.rtol ?? DEFAULT_RTOL
  const outcome = { folder: run.folder, status, summary: run.summary, left, rtol, ...report }
  return failure === undefined ? outcome : { ...outcome, error: failure }
}

/** In the log, and for whoever opens the folder: what is replayed, and what is not. */
function say(run: Run, source: Source, plans: ReadonlyMap<string, SessionPlan>, outside: readonly string[]): void {
  const text = `This run replays ${source.run}: its cells are run again, and their outputs compared.`
  run.emit({ type: 'notice-add', by: 'system', level: 'info', code: 'replay', text })
  for (const what of outside)
    run.emit({
      type: 'notice-add',
      by: 'system',
      level: 'warning',
      code: 'replay-left-out',
      text: `Not repeated: ${what}.`,
    })
  const facts = { replays: source.run, sessions: [...plans.values()], notRepeated: outside }
  writeFileSync(join(run.folder, 'source', 'replay.json'), `${JSON.stringify(facts, null, 2)}\n`)
}

async function playSandbox(
  source: Source,
  { start, sessions, given, config }: SourceSandbox,
  wanted: SandboxConfig,
  plans: ReadonlyMap<string, SessionPlan>,
  run: Run,
  { all, onCell }: ReplayRequest,
): Promise<Played[]> {
  await using sandbox =
    start.snapshot === undefined
      ? await Sandbox.start(wanted, { run })
      : await Sandbox.fromSnapshot(start.snapshot, wanted, { run })
  checkWeights(sessions, sandbox.modelHandles)
  const places = new Set([...(config?.localFiles ?? []), ...(config?.localDirs ?? [])].map(([, to]) => to))
  for (const { from, to } of given.filter((one) => !places.has(one.to))) await sandbox.upload(from, to)
  checkGiven(
    given,
    readGivenFiles(run.folder).filter(({ sandbox: id }) => id === sandbox.sandboxId),
  )
  const played: Played[] = []
  for (const session of sessions) {
    const plan = plans.get(session.id)!
    await using fresh = await createNotebookSession(sandbox, replayWorkspace(source, session, plan))
    const pairs = await playSession(plan, sandbox, playerOf(fresh), { restarts: all, signal: run.signal, onCell })
    played.push({ source: session, plan, fresh: fresh.sessionId, pairs })
  }
  return played
}

async function reportOf(run: Run, source: Source, played: readonly Played[], rtol: number) {
  await run.sync()
  const events = knownEvents((await readEvents(join(run.folder, 'events.jsonl'))).events)
  const cells = played.flatMap(({ source: { id }, fresh, pairs }, i) => {
    const found = compareSession({ events: source.events, session: id }, { events, session: fresh }, pairs, rtol)
    // Ids are counters of a session.
    return i === 0 ? found : found.map((one) => ({ ...one, cell: `${id}/${one.cell}` }))
  })
  const [recorded, fresh] = [computeOf(source.events), computeOf(events)]
  const told = cells.map(({ cell, verdict, largestRelative, detail }) => ({
    cell,
    verdict,
    largestRelative,
    ...(detail === undefined ? {} : { detail }),
  }))
  run.emit({ type: 'drift-report', by: 'system', recorded, fresh, rtol, cells: told })
  return { cells, recorded, fresh }
}

function computeOf(events: readonly RunEvent[]): Compute {
  const found = events.find((event): event is EventOf<'compute-report'> => event.type === 'compute-report')
  if (!found) return UNKNOWN
  const { python, torch, isa, threads, device } = found
  return { python, torch, isa, threads, device }
}
