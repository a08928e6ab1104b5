/** From all cells that were run, those that make a session's variables again. Pure. */
import { SeerError } from '../../errors.ts'
import type { SnapshotCell } from './snapshot.ts'

/** What every session begins with by itself. */
const OWN_SETUP = 'seer.setup()'

/** Those that ended well in the last kernel of each session: what earlier ones had in memory was lost with them. */
export function replayList(cells: readonly SnapshotCell[]): SnapshotCell[] {
  const last = new Map<string, number>()
  for (const { session, generation } of cells) last.set(session, Math.max(last.get(session) ?? 0, generation ?? 0))
  return cells.filter(
    ({ session, generation, status, by, code }) =>
      status === 'ok' && generation === last.get(session) && !(by === 'setup' && code === OWN_SETUP),
  )
}

/** `which`: a session by its id, or true for the only one. */
export function replayOf(cells: readonly SnapshotCell[], which: string | true): SnapshotCell[] {
  const sessions = [...new Set(cells.map(({ session }) => session))]
  const session = which === true ? sessions[0] : which
  if (which === true && sessions.length > 1) throw unclear('has several sessions', sessions)
  if (which !== true && !sessions.includes(which)) throw unclear(`has no session "${which}"`, sessions)
  return replayList(cells).filter((cell) => cell.session === session)
}

function unclear(what: string, sessions: readonly string[]): SeerError {
  return new SeerError('replay-unclear', {
    message: `The snapshot ${what}.`,
    hint: `Say which: ${sessions.map((session) => `replay: '${session}'`).join(', ')}.`,
  })
}
