/** What a run's log says of how its cells came to be: its sandboxes, their sessions, and what ran in them. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { SeerError } from '../../errors.ts'
import { readRecordedConfig, type RecordedConfig } from '../../environment/config-record.ts'
import { readGivenFiles, type GivenFiles } from '../../environment/files/files-record.ts'
import { knownEvents, type EventOf, type RunEvent } from '../../run/events.ts'
import { readLock } from '../../run/lock.ts'
import { readEvents } from '../../run/log-reader.ts'

export interface SourceSession {
  readonly id: string
  readonly start: EventOf<'session-start'>
}

export interface SourceSandbox {
  readonly id: string
  readonly start: EventOf<'sandbox-start'>
  /** Undefined in logs of before it was told. */
  readonly config: RecordedConfig | undefined
  readonly sessions: readonly SourceSession[]
  readonly given: readonly GivenFiles[]
}

export interface Source {
  readonly run: string
  readonly folder: string
  readonly start: EventOf<'run-start'>
  readonly events: readonly RunEvent[]
  readonly sandboxes: readonly SourceSandbox[]
  /** Its code could call functions of another sandbox. */
  readonly hasInterfaces: boolean
  /** Sessions that are no notebooks. */
  readonly others: number
  /** Every package with its version: of the sandbox that was prepared last. */
  readonly lock: string | undefined
}

export async function readSource(folder: string): Promise<Source> {
  const whole = resolve(folder)
  if (readLock(whole)?.alive === true)
    throw new SeerError('replay-running', {
      message: `The run ${basename(whole)} is still going on.`,
      hint: 'Replay it when it has ended.',
    })
  const all = (await readEvents(join(whole, 'events.jsonl'))).events
  const events = knownEvents(all)
  const of = <T extends RunEvent['type']>(type: T) => events.filter((event): event is EventOf<T> => event.type === type)
  const start = of('run-start')[0]
  if (!start)
    throw new SeerError('replay-unclear', {
      message: `The log of ${basename(whole)} has no start: it does not say what it is a log of.`,
    })
  const given = readGivenFiles(whole)
  const lock = join(whole, 'source', 'env.lock')
  const sandboxes = of('sandbox-start').map((begun): SourceSandbox => {
    const id = begun.sandbox ?? ''
    return {
      id,
      start: begun,
      config: readRecordedConfig(begun.config),
      sessions: of('session-start').flatMap((session) =>
        session.sandbox === id && session.session !== undefined && session.kind === 'notebook'
          ? [{ id: session.session, start: session }]
          : [],
      ),
      given: given.filter(({ sandbox }) => sandbox === id),
    }
  })
  return {
    run: basename(whole),
    folder: whole,
    start,
    events,
    sandboxes: sandboxes.filter(({ sessions }) => sessions.length > 0),
    hasInterfaces: all.some(({ type }) => type.startsWith('interface-')),
    others: of('session-start').filter(({ kind }) => kind !== 'notebook').length,
    lock: existsSync(lock) ? readFileSync(lock, 'utf8') : undefined,
  }
}

/** What the run did beside its cells, which no replay does again. */
export function notRepeated({ events, sandboxes, hasInterfaces, others }: Source): string[] {
  const commands = events.filter(({ type, by }) => type === 'process-start' && by !== 'setup').length
  const counted = (n: number, one: string, many: string) => (n > 0 ? [`${n} ${n === 1 ? one : many}`] : [])
  const several = sandboxes.some(({ sessions }) => sessions.length > 1)
  const before = events.flatMap((event) =>
    event.type === 'session-start' && event.attached ? [event.attached.run] : [],
  )
  return [
    ...(before.length === 0
      ? []
      : [`what ran in its sessions before it took them up (${[...new Set(before)].join(', ')})`]),
    ...counted(commands, 'command that was run beside the cells', 'commands that were run beside the cells'),
    ...counted(others, 'session that is no notebook', 'sessions that are no notebooks'),
    ...(hasInterfaces ? ['functions that another sandbox exposed: cells that call them fail'] : []),
    ...(several ? ['the order of cells of different sessions to each other: sessions run one after the other'] : []),
  ]
}
