/** What a session that was terminated says to whoever goes on using it. */
import { SeerError } from '../errors.ts'

export function sessionEnded(session: string): SeerError {
  return new SeerError('session-ended', {
    message: `The session ${session} has been terminated, and nothing was run.`,
    hint: 'Open another in the same sandbox: its files are there.',
  })
}
