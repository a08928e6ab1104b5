/** What each role is given of a session's server. */
import type { By } from '../run/events.ts'
import { authorOf } from './author.ts'
import type { Door } from './endpoint.ts'
import type { LocalServer } from './local.ts'
import type { Role } from './reach.ts'
import { openTurn } from './turn-tool.ts'
import type { View, Visit } from './view.ts'

export function doorsOf(server: LocalServer, tokens: Readonly<Partial<Record<Role, string>>>): Door[] {
  const agent = viewOf(server)
  const observer: View = {
    ...agent,
    tools: agent.tools.filter(({ annotations }) => annotations?.readOnlyHint === true),
    // Whoever looks on under the name of an author is not that author: its cells are not stopped with a call of the other's.
    authorOf: (client = '') => agent.authorOf(`observer ${client}`),
  }
  const ways: Record<Role, Omit<Door, 'token'>> = {
    'second-author': { enter: () => visitOf(agent) },
    observer: { enter: () => visitOf(observer) },
    person: { enter: () => enterAsPerson(server, agent), isMissed: true },
    'own-kernel': { enter: () => enterOwn(server), isMissed: true },
  }
  return (Object.entries(tokens) as [Role, string][]).map(([role, token]) => ({ token, ...ways[role] }))
}

function viewOf({ run, tools, session, readable, instructions }: LocalServer): View {
  const own = () => run.summary.agents.map(({ name }) => name)
  return { run, tools, session, readable, instructions, authorOf: (client) => authorOf(client, own()) }
}

function visitOf(view: View): Promise<Visit> {
  return Promise.resolve({ view, leave: () => undefined })
}

/** Who has the floor gives it back by leaving, however that comes about. */
function enterAsPerson({ floor }: LocalServer, agent: View): Promise<Visit> {
  const turn = floor && openTurn(floor)
  const tools = turn ? [...agent.tools, turn.tool] : agent.tools
  const view: View = { ...agent, tools, authorOf: (): By => 'researcher' }
  return Promise.resolve({ view, leave: () => turn?.release() })
}

async function enterOwn({ openOwn }: LocalServer): Promise<Visit> {
  if (!openOwn) throw new Error('a door that leads nowhere')
  const { server, end } = await openOwn()
  return { view: viewOf(server), leave: () => void end() }
}
