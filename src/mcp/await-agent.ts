/** An agent from outside is to work as an agent of the run: the first that comes in is it, until it leaves. */
import { SeerError } from '../errors.ts'
import { untilAborted } from '../until-aborted.ts'
import { newToken } from './access.ts'
import { mount } from './http-server.ts'
import { announce } from './reach.ts'
import type { ClientInfo, View } from './view.ts'

export interface AwaitedAgent {
  /** What it calls itself. */
  readonly client: ClientInfo
  /** Resolves when it has left. */
  readonly left: Promise<void>
}

export interface AgentPlace extends AsyncDisposable {
  /** Rejects with the signal's reason. */
  readonly arrived: (signal: AbortSignal) => Promise<AwaitedAgent>
}

/** Until it is disposed of, which also ends what the agent is doing. */
export async function openAgentPlace(name: string, view: View): Promise<AgentPlace> {
  const { openEndpoint } = await import('./endpoint.ts')
  const { promise: came, resolve: come } = Promise.withResolvers<ClientInfo>()
  const { promise: left, resolve: leave } = Promise.withResolvers<undefined>()
  let taken = false
  const token = newToken()
  const enter = (client: ClientInfo) => {
    if (taken) throw new SeerError('agent-there', { message: 'An agent is here already, and there is one place.' })
    taken = true
    hide()
    come(client)
    return Promise.resolve({ view, leave: () => leave(undefined) })
  }
  const endpoint = openEndpoint([{ token, enter, isMissed: true }])
  const { url, unmount } = await mount(endpoint.answer)
  const { run, session, instructions } = view
  const hide = announce(run, { name, kind: 'agent', session, url, tokens: { 'second-author': token }, instructions })
  return {
    async arrived(signal) {
      return { client: await untilAborted(came, signal), left }
    },
    async [Symbol.asyncDispose]() {
      hide()
      unmount()
      await endpoint.close()
      leave(undefined)
    },
  }
}
