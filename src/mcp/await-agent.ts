/** An agent from outside is to work as an agent of the run: the first that comes in is it, until it leaves. */
import { SeerError } from '../errors.ts'
import { untilAborted } from '../until-aborted.ts'
import { newToken } from './access.ts'
import { mount } from './http-server.ts'
import { lazyEndpoint } from './lazy-endpoint.ts'
import { announce } from './reach.ts'
import type { ClientInfo, View } from './view.ts'

export interface AgentPlace extends AsyncDisposable {
  /** Who came, by what it calls itself. Rejects with the signal's reason. */
  readonly arrived: (signal: AbortSignal) => Promise<ClientInfo>
  /** Resolves when it has left. */
  readonly left: Promise<void>
}

/** Until it is disposed of, which also ends what the agent is doing. */
export async function openAgentPlace(name: string, view: View): Promise<AgentPlace> {
  const came = Promise.withResolvers<ClientInfo>()
  const left = Promise.withResolvers<undefined>()
  let isTaken = false
  const enter = (client: ClientInfo) => {
    if (isTaken) throw new SeerError('agent-there', { message: 'An agent is here already, and there is one place.' })
    isTaken = true
    hide()
    came.resolve(client)
    return Promise.resolve({ view, leave: () => left.resolve(undefined) })
  }
  const token = newToken()
  const endpoint = lazyEndpoint([{ token, enter, isMissed: true }])
  const { url, unmount } = await mount(endpoint.answer)
  const { run, session, instructions } = view
  const hide = announce(run, { name, kind: 'agent', session, url, tokens: { 'second-author': token }, instructions })
  const end = async () => {
    forget()
    hide()
    unmount()
    await endpoint.close()
    left.resolve(undefined)
  }
  const forget = run.beforeEnd(end)
  return { arrived: (signal) => untilAborted(came.promise, signal), left: left.promise, [Symbol.asyncDispose]: end }
}
