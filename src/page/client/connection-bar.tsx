/** Whether what is seen is still the newest, and what to do when it is not. */
import { SIGNED_OUT } from './api.ts'
import type { Connection } from './event-stream.ts'

const LONG = 4

export function ConnectionBar({ connection }: { connection: Connection }) {
  const said = wordsFor(connection)
  return (
    <div class="connection" role="status" aria-live="polite">
      {said && (
        <p class={`connection-bar connection-${said.tone}`}>
          {said.tone === 'busy' && <span class="spinner" aria-hidden="true" />}
          <strong>{said.title}</strong> <span>{said.text}</span>
        </p>
      )}
    </div>
  )
}

interface Said {
  tone: 'busy' | 'error'
  title: string
  text: string
}

export function wordsFor(connection: Connection): Said | undefined {
  switch (connection.is) {
    case 'connecting':
    case 'open':
      return undefined
    case 'reconnecting':
      return connection.attempts < LONG
        ? { tone: 'busy', title: 'Reconnecting.', text: 'The page goes on where it was; nothing is lost.' }
        : {
            tone: 'error',
            title: 'The server of this page does not answer.',
            text: 'The run itself goes on without it. Start it again (seer view) and open the link that it prints; this page keeps trying.',
          }
    case 'refused':
      if (connection.status === 401 || connection.status === 403)
        return { tone: 'error', title: SIGNED_OUT.message, text: SIGNED_OUT.hint ?? '' }
      return connection.status === 404
        ? { tone: 'error', title: 'This run is not here any more.', text: 'What was read of it still stands below.' }
        : { tone: 'error', title: `The server answered ${connection.status}.`, text: 'This page keeps trying.' }
    case 'gone':
      return { tone: 'error', title: 'The log cannot be read on.', text: connection.why }
  }
}
