/** Which server of which live run is meant. */
import { basename } from 'node:path'
import { didYouMean } from '../../did-you-mean.ts'
import { SeerError } from '../../errors.ts'
import { liveRuns, type LiveRun, type ReachedServer, type Role } from '../reach.ts'

export interface Wanted {
  /** A run's id, or the beginning or end of one, or its folder. Without it: the newest that goes on. */
  readonly run?: string | undefined
  readonly role: Role
  /** Without it: the newest session. */
  readonly session?: string | undefined
  /** Only the run of this process, and only where it waits for an agent. */
  readonly ofProcess?: number | undefined
}

export interface Target {
  readonly run: string
  readonly folder: string
  readonly server: ReachedServer
  readonly token: string
}

/** Undefined while there is none. Throws a SeerError where several could be meant. */
export function findTarget(wanted: Wanted, live: readonly LiveRun[] = liveRuns()): Target | undefined {
  const { ofProcess } = wanted
  const runs = ofProcess === undefined ? meant(wanted.run, live) : live.filter(({ writer }) => writer.pid === ofProcess)
  for (const { run, folder, servers } of runs) {
    const server = first(servers.filter((one) => isMeant(one, wanted)))
    const token = server?.tokens[wanted.role]
    if (server && token !== undefined) return { run, folder, server, token }
  }
  refuseUnknownSession(wanted, runs)
  return undefined
}

/** Of a run that was named and goes on. Another one that is waited for may have a session of that name. */
function refuseUnknownSession({ run, session }: Wanted, runs: readonly LiveRun[]): void {
  const [meantRun] = runs
  if (run === undefined || session === undefined || !meantRun) return
  const sessions = meantRun.servers.flatMap((server) => server.session ?? [])
  if (sessions.includes(session)) return
  throw new SeerError('session-unknown', {
    message: `The run ${meantRun.run} has no session ${JSON.stringify(session)} that goes on${didYouMean(session, sessions) || '.'}`,
    hint: sessions.length > 0 ? `It has: ${sessions.join(', ')}.` : 'It has none now.',
  })
}

/** An agent that is waited for comes before a session that one can join, a session before other tools, and then the newest. */
function first(servers: readonly ReachedServer[]): ReachedServer | undefined {
  return (
    servers.findLast(({ kind }) => kind === 'agent') ??
    servers.findLast(({ session }) => session !== undefined) ??
    servers.at(-1)
  )
}

function isMeant(server: ReachedServer, { session, ofProcess, role }: Wanted): boolean {
  if (server.tokens[role] === undefined) return false
  if (ofProcess !== undefined) return server.kind === 'agent'
  return session === undefined || server.session === session
}

function meant(run: string | undefined, live: readonly LiveRun[]): readonly LiveRun[] {
  if (run === undefined || run === 'latest') return live
  const name = basename(run)
  if (name === '') return []
  const exact = live.filter((one) => one.run === name)
  const similar = live.filter((one) => one.run.startsWith(name) || one.run.endsWith(`-${name}`))
  const found = exact.length > 0 ? exact : similar
  if (found.length < 2) return found
  throw new SeerError('run-ambiguous', {
    message: `Several runs that go on could be meant by "${run}".`,
    hint: `Say which: ${found.map((one) => one.run).join(', ')}`,
  })
}
