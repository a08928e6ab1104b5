/** JupyterLab on the sessions of a run, for a person who asks for it at another command. */
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'

export interface Offered {
  /** Until it is taken back. */
  readonly offer: (session: string, open: () => Promise<string>) => () => void
  /** Of this session; without one, of the newest. */
  readonly open: (session?: string) => Promise<string>
}

export function openOffered(): Offered {
  const offers = new Map<string, () => Promise<string>>()
  return {
    offer(session, open) {
      offers.set(session, open)
      return () => void offers.delete(session)
    },
    async open(session) {
      const sessions = [...offers.keys()]
      const offer = offers.get(session ?? sessions.at(-1) ?? '')
      if (offer) return offer()
      if (session === undefined || sessions.length === 0)
        throw new SeerError('session-none', { message: 'The run has no notebook session now.' })
      throw new SeerError('session-unknown', {
        message: `The run has no notebook session "${session}" now${didYouMean(session, sessions) || '.'}`,
        hint: `There is: ${sessions.join(', ')}.`,
      })
    },
  }
}
