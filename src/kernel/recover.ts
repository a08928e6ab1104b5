/**
 * What a killed process left behind: its run is given the output that the sandbox still holds, is marked as crashed, and the
 * sandbox is ended. Only runs whose lock holder is dead are touched.
 */
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { deadHostConnection } from '../channel/dead-host.ts'
import { Journal, type JournalPosition } from '../channel/journal.ts'
import { journalSink } from '../environment/journal-sink.ts'
import { holdOf } from '../environment/known-sandboxes.ts'
import { recallSecrets } from '../environment/secrets.ts'
import { describeError, SeerError } from '../errors.ts'
import { readLock } from '../run/lock.ts'
import { isRecovery, RECOVERY_NOTICE } from '../run/lifetime.ts'
import { isOwnFolder } from '../run/own-folder.ts'
import { Run } from '../run/run.ts'
import { readEvents } from '../run/log-reader.ts'
import { knownEvents, type EventOf, type RunEvent, type UnknownEvent } from '../run/events.ts'
import type { Machine } from '../sandbox/backend.ts'
import { attachLocalMachine } from '../sandbox/local/local.ts'
import { endHost } from '../sandbox/local/end-host.ts'

type LoggedEvent = RunEvent | UnknownEvent

/** The first event of a recovery: the times of what follows are not those of the run. */
const RECOVERED = {
  level: 'warning',
  code: RECOVERY_NOTICE,
  text: 'Here Seer’s process was killed, or crashed. What follows was read from its sandbox afterwards.',
} as const

/** A log can name anything: somebody may have handed it over, or the agent's code have made it. */
const NOT_ITS_OWN = 'what the log names is no sandbox of this run'

export interface Recovery {
  readonly run: string
  readonly folder: string
  /** Events that were still with the sandbox. */
  readonly recovered: number
  readonly problems: readonly string[]
}

/** Undefined for a run that needs no recovery, or that another process is recovering. */
export async function recoverRun(folder: string): Promise<Recovery | undefined> {
  // A lock that is gone or alive needs no reading of the log.
  if (readLock(folder)?.alive !== false || !existsSync(join(folder, 'events.jsonl'))) return undefined
  // Another user's run is theirs to recover.
  if (!isOwnFolder(realpathSync(folder))) return undefined
  const run = await Run.reopen(folder).catch((error: unknown) => {
    if (error instanceof SeerError && (error.code === 'run-locked' || error.code === 'run-ended')) return undefined
    throw error
  })
  if (!run) return undefined
  const { events } = await readEvents(join(folder, 'events.jsonl'))
  const problems: string[] = []
  const refused: string[] = []
  if (!events.some(isRecovery)) run.emit({ type: 'notice-add', by: 'system', ...RECOVERED })
  const before = run.lastSeq
  for (const start of openSandboxes(events)) {
    try {
      const reason = await drainSandbox(run, start, events)
      if (reason === NOT_ITS_OWN) refused.push(`sandbox ${start.sandbox}: ${NOT_ITS_OWN}. It was left alone.`)
      run.emit({ type: 'sandbox-end', by: 'system', ...(start.sandbox ? { sandbox: start.sandbox } : {}), reason })
    } catch (error) {
      problems.push(`sandbox ${start.sandbox}: ${describeError(error)}`)
    }
  }
  const recovered = run.lastSeq - before
  // What could not be saved now is kept where it is, for the next time.
  if (problems.length > 0) run.leave()
  else await run.end('crashed')
  return { run: run.id, folder, recovered, problems: [...problems, ...refused] }
}

/** A run may let go of a sandbox and take it up again: what counts is what came last. */
function openSandboxes(events: readonly LoggedEvent[]): EventOf<'sandbox-start'>[] {
  const open = new Map<string | undefined, EventOf<'sandbox-start'>>()
  for (const event of knownEvents(events)) {
    if (event.type === 'sandbox-start') open.set(event.sandbox, event)
    if (event.type === 'sandbox-end') open.delete(event.sandbox)
  }
  return [...open.values()]
}

/** Returns how it ended, for the log. */
async function drainSandbox(
  run: Run,
  start: EventOf<'sandbox-start'>,
  events: readonly LoggedEvent[],
): Promise<string> {
  const attached = attachLocalMachine(start.attach)
  if (!attached) return NOT_ITS_OWN
  const { machine, layout } = attached
  const hold = existsSync(layout.stateDir) ? holdOf(layout.stateDir, run.folder) : 'its own'
  if (hold === 'another’s') return NOT_ITS_OWN
  // What it had printed was read before: it was let go in the very moment in which the process was killed.
  if (hold === 'free') return 'detached'
  // First its end: then what it holds has an end too, and a cell that prints for ever cannot hold us up.
  await endHost(layout)
  const authors = new Map(
    events.flatMap((event) =>
      event.type === 'cell-start' ? [[`${event.session}/${event.cell}`, event.by] as const] : [],
    ),
  )
  const sandbox = start.sandbox ?? ''
  const authorOf = (session: string, cell: string) => authors.get(`${session}/${cell}`) ?? 'system'
  const sink = journalSink(run, filesOf(machine, recallSecrets(run, start.secrets ?? [])), { sandbox, authorOf })
  const journal = new Journal(deadHostConnection(layout.stateDir), sink, positionIn(events, start))
  await journal.drain()
  await run.sync()
  await machine.terminate()
  return 'its run crashed'
}

/** Outputs were redacted by the host. A file is copied only where what must not stand in it is known again. */
function filesOf(machine: Pick<Machine, 'readFile'>, forgotten: readonly string[]): Pick<Machine, 'readFile'> {
  if (forgotten.length === 0) return machine
  const message = `its run was given secrets that are not set here (${forgotten.join(', ')}), so it could not be searched for them`
  return { readFile: () => Promise.reject(new SeerError('secret-missing', { message })) }
}

/** Of a sandbox that the run took up, its journal before that is another run's. */
const attachedSchema = z.object({ fromSeq: z.int().nonnegative().default(0) })

/** The last journal record of a sandbox that the log holds, with the types of its events: it may hold only some of them. */
function positionIn(events: readonly LoggedEvent[], start: EventOf<'sandbox-start'>): JournalPosition {
  let seq = attachedSchema.safeParse(start.attach).data?.fromSeq ?? 0
  let types = new Set<string>()
  for (const event of events) {
    if (event.sandbox !== start.sandbox || !event.kernel || event.kernel.seq < seq) continue
    if (event.kernel.seq > seq) types = new Set()
    seq = event.kernel.seq
    types.add(event.type)
  }
  return { seq, types }
}
