/** How a process lets go of a sandbox that lives on. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { parseOptions } from '../options.ts'
import { removeRunOf } from '../sandbox/local/run-of-sandbox.ts'
import { processesEnded } from './exec/start-process.ts'
import type { RunningSandbox } from './running-sandbox.ts'
import { writeSandboxFile } from './sandbox-file.ts'
import { GRACE_SECONDS } from './sandbox-timeout.ts'

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
  const why = new SeerError('sandbox-detached', {
    message: `This process has let go of the sandbox ${id}.`,
    hint: `\`Sandbox.attach('${id}')\` takes it up again.`,
    endsRun: true,
  })
  await journal.stop()
  streams.stop(why)
  connection.refuse(why)
  const { endsInSeconds } = await connection.request('host/hello', {})
  const leaseSeconds = Math.max(1, Math.min(keep, (endsInSeconds ?? Infinity) - GRACE_SECONDS))
  // Its kernels have ended when this is answered: the journal stands still.
  await connection.request('host/keep', { leaseSeconds })
  await journal.finish(connection, why)
  await run.sync()
  const now = Date.now()
  const until = new Date(now + leaseSeconds * 1000).toISOString()
  writeSandboxFile(layout.stateDir, { ...facts, detached: { at: new Date(now).toISOString(), until } })
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
