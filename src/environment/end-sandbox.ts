/** How a sandbox ends: everything it still has to say is read, then every process of it is ended. */
import { deadHostConnection } from '../channel/dead-host.ts'
import { firstError, SeerError } from '../errors.ts'
import type { RunningSandbox } from './start-sandbox.ts'

const SHUTDOWN_MS = 20_000

export async function endSandbox(sandbox: RunningSandbox, reason: string): Promise<void> {
  const { use, connection, journal, layout, machine, id } = sandbox
  const problems: Error[] = []
  const attempt = (step: Promise<unknown>) =>
    step.catch((error: unknown) => void problems.push(error instanceof Error ? error : new Error(String(error))))
  // The host ends the kernels and writes down how; a host that does not answer is ended by force below.
  await connection.request('host/shutdown', {}, AbortSignal.timeout(SHUTDOWN_MS)).catch(() => undefined)
  // Its files hold what it had received, also when there is no host any more.
  await attempt(journal.finish(deadHostConnection(layout.stateDir), terminated()))
  connection.close()
  await attempt(machine.terminate())
  await attempt(
    Promise.resolve().then(() => use.run.emit({ type: 'sandbox-end', by: 'system', sandbox: id, reason })),
  )
  const problem = problems.find((error) => !isKnownToRun(error))
  await use.release(problem)
  if (problem !== undefined) throw problem
}

function terminated(): SeerError {
  return new SeerError('sandbox-terminated', {
    message: 'The sandbox was terminated while it was in use.',
    endsRun: true,
  })
}

/** What ends a run is thrown by its end: thrown here too, it would hide what a script was failing with. */
function isKnownToRun(error: unknown): boolean {
  const first = firstError(error)
  return first instanceof SeerError && (first.endsRun || first.code === 'run-ended')
}
