/**
 * A sandbox knows its sessions by their ids, for ever: a cell of a session that it has heard of runs only once. Runs count theirs, so
 * each run that goes on with a sandbox of another one adds a mark of its own.
 */
import type { Run } from '../run/run.ts'
import type { SandboxFacts } from './sandbox-file.ts'

/** What goes through the host's proxy belongs to no session. */
const OF_THE_SANDBOX = 'network'

type Uses = Pick<SandboxFacts, 'uses'>

export function newSessionId(
  run: Pick<Run, 'nextSessionId' | 'takeSessionId'>,
  { id, uses }: Pick<SandboxFacts, 'id' | 'uses'>,
): string {
  for (;;) {
    const session = run.nextSessionId() + mark(uses)
    if (run.takeSessionId(session, id)) return session
  }
}

/** Whether a session is one of the run that uses it now. */
export function isSessionOf({ uses }: Uses, session: string): boolean {
  return session === OF_THE_SANDBOX || (uses === 1 ? !session.includes('-') : session.endsWith(mark(uses)))
}

function mark(uses: number): string {
  return uses === 1 ? '' : `-${uses}`
}
