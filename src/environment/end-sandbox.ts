/** How a sandbox ends: everything it still has to say is read, then every process of it is ended. */
import { deadHostConnection } from '../channel/dead-host.ts'
import { firstError, SeerError } from '../errors.ts'
import { processesEnded } from './exec/start-process.ts'
import type { RunningSandbox } from './running-sandbox.ts'

const SHUTDOWN_MS = 20_000

export interface Ending {
  /** For the log. */
  readonly reason: string
  /** What those are told who still use it. */
  readonly why: SeerError
}

export function terminated(reason = 'terminated'): Ending {
  const why = new SeerError('sandbox-terminated', { message: 'The sandbox has been terminated.', endsRun: true })
  return { reason, why }
}

/** Goes on with each step whatever went wrong with the one before, and returns the first of it that nobody else tells. */
export async function endSandbox(sandbox: RunningSandbox, { reason, why }: Ending): Promise<Error | undefined> {
  const { use, connection, journal, streams, layout, machine, id } = sandbox
  const problems: Error[] = []
  const attempt = (step: Promise<unknown>) =>
    step.catch((error: unknown) => void problems.push(error instanceof Error ? error : new Error(String(error))))
  await journal.stop()
  streams.stop(why)
  connection.refuse(why)
  // The host ends the kernels and writes down how; a host that does not answer is ended by force below.
  await connection.request('host/shutdown', {}, AbortSignal.timeout(SHUTDOWN_MS)).catch(() => undefined)
  // Its files hold what it had received, also when there is no host any more.
  await attempt(journal.finish(deadHostConnection(layout.stateDir), why))
  connection.close()
  await processesEnded(connection)
  await attempt(machine.terminate())
  await attempt(Promise.resolve().then(() => use.run.emit({ type: 'sandbox-end', by: 'system', sandbox: id, reason })))
  return problems.find((error) => !isKnownToRun(error))
}

/** What ends a run is thrown by its end: thrown here too, it would hide what a script was failing with. */
function isKnownToRun(error: unknown): boolean {
  const first = firstError(error)
  return first instanceof SeerError && (first.endsRun || first.code === 'run-ended')
}
