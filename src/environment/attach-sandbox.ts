/** How a later process goes on with a sandbox that an earlier one started. */
import { uptime } from 'node:os'
import type { HostConnection } from '../channel/host-connection.ts'
import { HostStreams } from '../channel/streams.ts'
import { SeerError } from '../errors.ts'
import type { RunUse } from '../run/current.ts'
import { acquireLock, type RunLock } from '../run/lock.ts'
import type { Run } from '../run/run.ts'
import { attachLocalMachine } from '../sandbox/local/local.ts'
import { removeRunOf, writeRunOf } from '../sandbox/local/run-of-sandbox.ts'
import { sandboxFolder } from '../sandbox/local/sandbox-folder.ts'
import { findAttachable } from './find-attachable.ts'
import { readKeptSessions, type KeptSessions } from './kept-sessions.ts'
import { connectTo, readJournal, type RunningSandbox } from './running-sandbox.ts'
import { writeSandboxFile, type SandboxFacts } from './sandbox-file.ts'
import { openSessionBook } from './session-book.ts'
import { GRACE_SECONDS } from './sandbox-timeout.ts'
import { LEASE_SECONDS, startEvent, type StartOptions } from './start-sandbox.ts'

const UNDO_MS = 5000

/** Takes it for a run, and connects. Where it cannot be reached it is given back. */
export async function attachSandbox(id: string, use: RunUse, options: StartOptions): Promise<RunningSandbox> {
  const { run } = use
  const signal = options.signal ? AbortSignal.any([options.signal, run.signal]) : run.signal
  const { before, facts } = await claim(id, run)
  let connection: HostConnection | undefined
  try {
    signal.throwIfAborted()
    const { detached } = before
    const kept = detached ? readKeptSessions(sandboxFolder(id)) : { sessions: [], ended: [] }
    refuseSameNames(run, id, kept)
    const reached = { run, facts, ...machineOf(facts) }
    connection = connectTo(reached)
    // Ends what else may still run in it: of one that its last run did not let go, everything.
    const sessions = kept.sessions.map(({ session }) => session)
    await connection.request('host/keep', { leaseSeconds: LEASE_SECONDS, sessions }, signal)
    const { lastSeq, endsInSeconds } = await connection.request('host/hello', {}, signal)
    const fromSeq = detached?.readSeq ?? lastSeq
    const attach = { ...facts.attach, fromSeq }
    const book = openSessionBook(run, id, kept, lastSeq)
    run.emit({ ...startEvent({ ...facts, attach }, reached.layout), attached: true })
    for (const event of book.running()) run.emit(event)
    const journal = readJournal(reached, connection, book, { seq: fromSeq, types: new Set() })
    const endsAt = uptime() + (endsInSeconds ?? Infinity) - GRACE_SECONDS
    const streams = new HostStreams(connection)
    return { ...facts, ...reached, use, endsAt, connection, journal, streams, sessions: book }
  } catch (error) {
    await giveBack(before, facts, connection)
    throw error
  }
}

/** Only one can have it: whoever says whose it is holds its lock. */
async function claim(id: string, run: Run): Promise<{ before: SandboxFacts; facts: SandboxFacts }> {
  const stateDir = sandboxFolder(id)
  const lock = lockSandbox(stateDir, id)
  try {
    const before = await findAttachable(id)
    if (before.confinement === 'none') refuseUntyped(run)
    const facts: SandboxFacts = { ...before, run: run.folder, uses: before.uses + 1, detached: null }
    writeRunOf(stateDir, run.folder)
    writeSandboxFile(stateDir, facts)
    return { before, facts }
  } finally {
    lock.release()
  }
}

/** As it was, but for the count of its uses: nobody may have the same sessions. */
async function giveBack(
  before: SandboxFacts,
  facts: SandboxFacts,
  connection: HostConnection | undefined,
): Promise<void> {
  const stateDir = sandboxFolder(before.id)
  const { detached, run } = before
  const leaseSeconds = detached ? Math.max(1, (Date.parse(detached.until) - Date.now()) / 1000) : LEASE_SECONDS
  const sessions = detached?.sessions ?? []
  await connection
    ?.request('host/keep', { leaseSeconds, sessions }, AbortSignal.timeout(UNDO_MS))
    .catch(() => undefined)
  connection?.close()
  try {
    writeSandboxFile(stateDir, { ...facts, run, detached })
    if (detached) removeRunOf(stateDir)
    else writeRunOf(stateDir, run)
  } catch {
    // It has ended: there is nothing to give back.
  }
}

/** Throws where another process is just taking it, or taking it away. */
export function lockSandbox(stateDir: string, id: string): RunLock {
  try {
    return acquireLock(stateDir)
  } catch (cause) {
    throw new SeerError('sandbox-in-use', {
      message: `Another process is just taking up or removing the sandbox ${id}.`,
      cause,
    })
  }
}

/** A run tells its cells apart by the ids of their sessions. */
function refuseSameNames(run: Run, sandbox: string, { sessions }: KeptSessions): void {
  const taken = sessions.find(({ session }) => !run.takeSessionId(session, sandbox))
  if (!taken) return
  throw new SeerError('session-names', {
    message: `The run ${run.id} has a session ${taken.session} in another sandbox, and one of the same name lives on in the sandbox ${sandbox}.`,
    hint: 'Take it up in a run of its own, or before other sandboxes of the run.',
  })
}

function machineOf({ id, attach }: SandboxFacts) {
  const found = attachLocalMachine(attach)
  if (found) return found
  throw new SeerError('sandbox-unknown', { message: `What is written down of the sandbox ${id} cannot be read.` })
}

/** An experiment cannot choose for those who copy it that nothing confines. */
function refuseUntyped({ start }: Run): void {
  if (start.provider === 'script' || start.confinement === 'none') return
  throw new SeerError('unconfined-not-typed', {
    message: 'That sandbox is not confined, and the run was started without --unconfined.',
    hint: 'Type `--unconfined` with `seer run` if its code may have all your rights on this machine.',
  })
}
