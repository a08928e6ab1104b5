/** What each role is given of a session's server. */
import type { By } from '../run/events.ts'
import { authorOf } from './author.ts'
import type { Door } from './endpoint.ts'
import { openGuests, type Guests } from './guests.ts'
import type { LocalServer } from './local.ts'
import type { Role } from './reach.ts'
import { openTurn } from './turn-tool.ts'
import type { Entering, View, Visit } from './view.ts'

export function doorsOf(server: LocalServer, tokens: Readonly<Partial<Record<Role, string>>>): Door[] {
  const guests = openGuests(() => ownAgents(server))
  const agent = viewOf(server)
  const observer = { ...agent, tools: agent.tools.filter(({ annotations }) => annotations?.readOnlyHint === true) }
  const ways: Record<Role, Omit<Door, 'token'>> = {
    'second-author': { enter: (who) => visitOf(agent, guests, who) },
    // Whoever looks on under the name of an author is not that author: its cells are not stopped with a call of the other's.
    observer: { enter: (who) => visitOf(observer, guests, who, 'observer ') },
    person: { enter: () => enterAsPerson(server, agent), isMissed: true },
    'own-kernel': { enter: () => enterOwn(server), isMissed: true },
  }
  return (Object.entries(tokens) as [Role, string][]).map(([role, token]) => ({ token, ...ways[role] }))
}

function viewOf(server: LocalServer): View {
  const { run, tools, session, readable, instructions } = server
  return { run, tools, session, readable, instructions, authorOf: (client) => authorOf(client, ownAgents(server)) }
}

function ownAgents({ run }: LocalServer): By[] {
  return run.summary.agents.map(({ name }) => name)
}

function visitOf(view: View, guests: Guests, who: Entering | undefined, as = ''): Promise<Visit> {
  const guest = who && guests.enter(as + who.client.name, who.isHere)
  const authorOf = guest?.author ?? ((name = '') => guests.passing(as + name))
  return Promise.resolve({ view: { ...view, authorOf }, leave: () => guest?.leave() })
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
