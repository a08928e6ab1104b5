/** How a process lets go of a sandbox that lives on. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { parseOptions } from '../options.ts'
import { removeRunOf } from '../sandbox/local/run-of-sandbox.ts'
import { processesEnded } from './exec/start-process.ts'
import type { RunningSandbox } from './running-sandbox.ts'
import { writeKeptSessions } from './kept-sessions.ts'
import { writeSandboxFile } from './sandbox-file.ts'
import { GRACE_SECONDS } from './sandbox-timeout.ts'

/** The code of what those are told who still use it. */
export const DETACHED = 'sandbox-detached'

/** Nobody has said how long: one that is forgotten is not to be there for days. */
const DEFAULT_KEEP_SECONDS = 86_400

const optionsSchema = z.strictObject({
  /** Seconds for which it waits for the next process. Never longer than its `timeout`. */
  keep: z.number().min(1, 'is in seconds; at least 1').default(DEFAULT_KEEP_SECONDS),
})
export type DetachOptions = z.input<typeof optionsSchema>

export function parseDetachOptions(options: DetachOptions): z.output<typeof optionsSchema> {
  return parseOptions('Sandbox.detach', optionsSchema, options)
}

/** Throws where it cannot be reached; then it is still this run's. */
export async function detachSandbox(sandbox: RunningSandbox, keep: number): Promise<void> {
  const { id, use, connection, journal, streams, layout, facts } = sandbox
  const { run } = use
  const why = new SeerError(DETACHED, {
    message: `This process has let go of the sandbox ${id}.`,
    hint: `\`Sandbox.attach('${id}')\` takes it up again.`,
    endsRun: true,
  })
  await journal.stop()
  streams.stop(why)
  connection.refuse(why)
  const { sessions, record } = await sandbox.sessions.settle()
  const { endsInSeconds } = await connection.request('host/hello', {})
  const leaseSeconds = Math.max(1, Math.min(keep, (endsInSeconds ?? Infinity) - GRACE_SECONDS))
  await connection.request('host/keep', { leaseSeconds, sessions: [...sessions] })
  // All else has ended. What those that live on say from here on is for the next run.
  const { lastSeq } = await connection.request('host/hello', {})
  await journal.finish(connection, why, lastSeq)
  const kept = record()
  for (const { session, cells } of kept.sessions) {
    const running = cells.flatMap(({ cell, status }) => (status === 'running' ? [cell] : []))
    run.emit({ type: 'session-detach', by: 'system', session, sandbox: id, cells: running })
  }
  await run.sync()
  writeKeptSessions(layout.stateDir, kept)
  const now = Date.now()
  const until = new Date(now + leaseSeconds * 1000).toISOString()
  const detached = { at: new Date(now).toISOString(), until, readSeq: journal.readSeq, sessions: [...sessions] }
  writeSandboxFile(layout.stateDir, { ...facts, detached })
  // From here on it is nobody's: recovery leaves it alone.
  removeRunOf(layout.stateDir)
  connection.close()
  await processesEnded(connection)
  run.emit({
    type: 'sandbox-end',
    by: 'system',
    sandbox: id,
    reason: `detached: it lives on for at most ${Math.round(leaseSeconds)} s`,
  })
}
