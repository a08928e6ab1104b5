/**
 * The sessions of a sandbox that do not end with the process that has it: those that an earlier one left and nobody has taken up yet,
 * and those of this process, which live on when it lets go.
 */
import type { Journal, JournalListener } from '../channel/journal.ts'
import type { JournalRecord } from '../channel/protocol.ts'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'
import type { By, EventInput } from '../run/events.ts'
import type { Run } from '../run/run.ts'
import type { EarlierCell, KeptSession, KeptSessions, KernelDeath } from './kept-sessions.ts'

/** What a session says of itself at the moment in which its sandbox is let go. */
export type Standing = Pick<KeptSession, 'generation' | 'death' | 'about'>
/** Resolves when no kernel of it is just being started. */
export type TellStanding = () => Promise<() => Standing>

interface Own {
  readonly session: string
  /** Of the cells that began before this run. */
  readonly earlier: readonly EarlierCell[]
  readonly tell: TellStanding
}

export interface TakenSession {
  readonly kept: KeptSession
  /** Of its kernel, where it is known to be dead by now. */
  readonly death: KernelDeath | null
}

export interface SessionBook {
  /** When the log has the journal up to this record, it has all that happened while nobody had the sandbox. */
  readonly upTo: number
  /** Ids of those that can be taken up. */
  readonly waiting: readonly string[]
  /** Whether records of it belong to this run, too. */
  readonly has: (session: string) => boolean
  /** Whoever takes one holds it, or gives it back. Throws a SeerError where there is none, or it cannot be said which. */
  readonly take: (session?: string) => TakenSession
  readonly giveBack: (session: string) => void
  /** It is this process's, and lives on when the sandbox is let go. */
  readonly hold: (session: string, tell: TellStanding, kept?: KeptSession) => void
  /** It does not live on. */
  readonly end: (session: string, why: string) => void
  /** What must be told before a record that speaks of a cell of an earlier run. */
  readonly before: (record: JournalRecord) => EventInput[]
  /** Cells that were running when the sandbox was let go. */
  readonly running: () => EventInput[]
  /** From now on those that wait hear of what happens to them. */
  readonly listen: (journal: Journal) => void
  /** Asks all that live on how they stand. What is returned is to be called when the log has all of them. */
  readonly settle: () => Promise<{ sessions: readonly string[]; record: () => KeptSessions }>
}

/** Hears of a session that nobody has taken up: its records are in the log all the same, with their authors. */
class Waiting implements JournalListener {
  readonly kept: KeptSession
  death: KernelDeath | null
  isTaken = false

  constructor(kept: KeptSession) {
    this.kept = kept
    this.death = kept.death
  }

  take(record: JournalRecord): void {
    if (record.kind !== 'kernel-dead' || record.generation !== this.kept.generation) return
    const { exitCode, signal, because } = record
    this.death = { exitCode, signal, ...(because === undefined ? {} : { because }) }
  }

  authorOf(cell: string): By {
    return this.kept.cells.find((one) => one.cell === cell)?.by ?? 'system'
  }

  lose(): void {
    // Nobody waits for it.
  }
}

/** `upTo`: the last record of the journal when it was taken up. */
export function openSessionBook(run: Run, sandbox: string, from: KeptSessions, upTo = 0): SessionBook {
  const waiting = new Map(from.sessions.map((kept) => [kept.session, new Waiting(kept)]))
  const own = new Map<string, Own>()
  const free = () => [...waiting].flatMap(([session, { isTaken }]) => (isTaken ? [] : [session]))
  let heard: Journal | undefined
  const ended = new Map(from.ended.map(({ session, why }) => [session, why]))
  const known = new Map(
    from.sessions.flatMap(({ session, cells }) => cells.map((cell) => [`${session}/${cell.cell}`, cell] as const)),
  )

  function beginning(session: string, { cell, by, code, hidden, run: begunIn, status }: EarlierCell): EventInput {
    const begun = status === 'running' ? { run: begunIn } : { run: begunIn, status }
    return { type: 'cell-start', by, session, sandbox, cell, code, hidden, begun }
  }

  /** What this run's log has of the cells of one, with those of before that it never heard of. */
  function cellsOf(session: string, generation: number, earlier: readonly EarlierCell[]): EarlierCell[] {
    const begunIn = new Map(earlier.map((one) => [one.cell, one.run]))
    const here = run.cells(session).flatMap((id): EarlierCell[] => {
      const cell = run.cell(session, id)
      const isOfKernel = cell?.generation === generation || cell?.status === 'running'
      if (cell?.kind !== 'code' || !isOfKernel) return []
      const { by, source: code, hidden } = cell
      const status = cell.status === 'detached' ? 'unknown' : cell.status
      return [{ cell: id, by, code, hidden, run: begunIn.get(id) ?? run.id, status }]
    })
    const heardOf = new Set(here.map(({ cell }) => cell))
    return [...earlier.filter(({ cell }) => !heardOf.has(cell)), ...here]
  }

  function recordOf(session: string, standing: Standing, earlier: readonly EarlierCell[]): KeptSession {
    return { session, run: run.id, ...standing, cells: cellsOf(session, standing.generation, earlier) }
  }

  return {
    upTo,
    get waiting() {
      return free()
    },
    has: (session) => waiting.has(session) || own.has(session),
    take(wanted) {
      const session = wanted ?? onlyOne(sandbox, free())
      const found = waiting.get(session)
      if (!found || found.isTaken) {
        const isOpen = found !== undefined || own.has(session)
        throw cannotTake(session, { sandbox, isOpen, why: ended.get(session), others: free() })
      }
      found.isTaken = true
      return found
    },
    giveBack(session) {
      const found = waiting.get(session)
      if (!found) return
      found.isTaken = false
      heard?.listen(session, found)
    },
    hold(session, tell, kept) {
      waiting.delete(session)
      own.set(session, { session, tell, earlier: kept?.cells ?? [] })
    },
    end(session, why) {
      own.delete(session)
      ended.set(session, why)
    },
    before(record) {
      if (!('cell' in record) || record.cell === null || run.cell(record.session, record.cell)) return []
      const earlier = known.get(`${record.session}/${record.cell}`)
      return earlier ? [beginning(record.session, earlier)] : []
    },
    running: () =>
      from.sessions.flatMap(({ session, cells }) =>
        cells.flatMap((cell) => (cell.status === 'running' ? [beginning(session, cell)] : [])),
      ),
    listen(journal) {
      heard = journal
      for (const [session, listener] of waiting) journal.listen(session, listener)
    },
    async settle() {
      const told = await Promise.all([...own.values()].map(async (one) => ({ ...one, standing: await one.tell() })))
      return {
        sessions: [...waiting.keys(), ...told.map(({ session }) => session)],
        record: () => ({
          sessions: [
            ...[...waiting.values()].map(({ kept, death }) => {
              const { session, generation, about, cells } = kept
              return { ...recordOf(session, { generation, death, about }, cells), run: kept.run }
            }),
            ...told.map(({ session, standing, earlier }) => recordOf(session, standing(), earlier)),
          ],
          ended: [...ended].map(([session, why]) => ({ session, why })),
        }),
      }
    },
  }
}

function onlyOne(sandbox: string, waiting: readonly string[]): string {
  const [only, ...more] = waiting
  if (only !== undefined && more.length === 0) return only
  throw only === undefined
    ? new SeerError('session-unknown', {
        message: `No session waits in the sandbox ${sandbox} to be taken up.`,
        hint: '`createNotebookSession(sandbox, workspace)` opens a new one.',
      })
    : new SeerError('session-ambiguous', {
        message: `Several sessions wait in the sandbox ${sandbox}: ${waiting.join(', ')}.`,
        hint: 'Say which: `attachNotebookSession(sandbox, id)`.',
      })
}

interface Why {
  readonly sandbox: string
  readonly isOpen: boolean
  readonly why: string | undefined
  readonly others: readonly string[]
}

function cannotTake(session: string, { sandbox, isOpen, why, others }: Why): SeerError {
  const hint =
    others.length > 0
      ? `These wait: ${others.join(', ')}.`
      : 'None waits. `createNotebookSession(sandbox, workspace)` opens a new one.'
  if (isOpen)
    return new SeerError('session-in-use', {
      message: `The session ${session} is open in this process already.`,
      hint: 'Terminate it, or work with the one that there is.',
    })
  if (why !== undefined)
    return new SeerError('session-ended', { message: `The session ${session} has ended: ${why}.`, hint })
  const near = didYouMean(session, others)
  return new SeerError('session-unknown', {
    message: `No session ${JSON.stringify(session)} waits in the sandbox ${sandbox}${near || '.'}`,
    hint,
  })
}
