/** The end of a sandbox whose time is over: told ahead, its files kept, then ended as any other. */
import { deadHostConnection } from '../channel/dead-host.ts'
import { duration } from '../amounts.ts'
import { describeError, SeerError } from '../errors.ts'
import { endSandbox } from './end-sandbox.ts'
import type { RunningSandbox } from './running-sandbox.ts'

/** So much later than its timeout the host ends by itself, where no Seer has ended it. */
export const GRACE_SECONDS = 60
const STOP_MS = 20_000

export type TakeSnapshot = (sandbox: RunningSandbox, name: string) => Promise<unknown>

/** For people, in the log; and for agents, before the model is asked the next time. */
export function tellTimeoutNear({ use: { run }, id, facts }: RunningSandbox, leftSeconds: number): void {
  const left = duration(leftSeconds * 1000)
  const text = `The sandbox ends in ${left}: its timeout of ${facts.config.timeout} s is then over.`
  try {
    run.emit({ type: 'notice-add', by: 'system', sandbox: id, level: 'warning', code: 'timeout-near', text })
    run.steering.tell(
      `In ${left} your sandbox ends, because its time is over. Its kernel, all variables and files are then gone: finish before, and submit or record what counts.`,
    )
  } catch {
    // A log that cannot be written ends the run by itself.
  }
}

/** Never throws. What could not be done, and nobody else tells, is returned. */
export async function endAtTimeout(sandbox: RunningSandbox, takeSnapshot?: TakeSnapshot): Promise<Error | undefined> {
  const { id, facts, journal, streams, connection, layout } = sandbox
  const name = `${id}-timeout`
  const seconds = facts.config.timeout
  const kept = takeSnapshot
    ? ` \`Sandbox.fromSnapshot('${name}')\` begins with its files, unless a notice in the log says why they could not be kept.`
    : ''
  const why = new SeerError('sandbox-timeout', {
    message: `The sandbox has ended: its timeout of ${seconds} s was over.`,
    hint: `Start it with a larger \`timeout\` (in seconds).${kept}`,
    endsRun: true,
  })
  await journal.stop()
  streams.stop(why)
  connection.refuse(why)
  // Its code is stopped first, so that no file changes while it is copied; and who waits for it need not wait for the copy.
  await connection
    .request('host/keep', { leaseSeconds: GRACE_SECONDS, sessions: [] }, AbortSignal.timeout(STOP_MS))
    .catch(ignore)
  await journal.finish(deadHostConnection(layout.stateDir), why).catch(ignore)
  await takeSnapshot?.(sandbox, name).catch((error: unknown) => sayNotKept(sandbox, error))
  return endSandbox(sandbox, { reason: `its timeout of ${seconds} s was over`, why })
}

/** What is wrong with the host or the log is found again at the end, and told then. */
function ignore(): void {}

function sayNotKept({ use: { run }, id }: RunningSandbox, error: unknown): void {
  const text = `The sandbox's files could not be kept when its timeout was over: ${describeError(error)}`
  try {
    run.emit({ type: 'notice-add', by: 'system', sandbox: id, level: 'warning', code: 'snapshot-failed', text })
  } catch {
    // As above.
  }
}
