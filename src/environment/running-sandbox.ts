/** A sandbox that runs: what its methods work with, and how the way to it is opened. */
import type { HostConnection } from '../channel/host-connection.ts'
import { Journal, type JournalPosition } from '../channel/journal.ts'
import { connectHost } from '../channel/start-host.ts'
import type { HostStreams } from '../channel/streams.ts'
import { SeerError } from '../errors.ts'
import type { RunUse } from '../run/current.ts'
import type { Run } from '../run/run.ts'
import type { Layout, Machine } from '../sandbox/backend.ts'
import { journalSink } from './journal-sink.ts'
import type { ModelHandle } from './models/model-handle.ts'
import type { SandboxFacts } from './sandbox-file.ts'
import type { SessionBook } from './session-book.ts'
import { isSessionOf } from './session-names.ts'
import type { OpenedSnapshot } from './snapshot/open-snapshot.ts'

export interface RunningSandbox {
  readonly id: string
  readonly use: RunUse
  readonly machine: Machine
  readonly layout: Layout
  readonly connection: HostConnection
  readonly journal: Journal
  readonly streams: HostStreams
  /** Those that do not end with the process that has it. */
  readonly sessions: SessionBook
  readonly modelHandles: readonly ModelHandle[]
  /** The sandbox's own interpreter, as it lies on the machine. */
  readonly python: string
  /** The same, as the code inside sees it. */
  readonly pythonInside: string
  /** What is written down of it for later processes. */
  readonly facts: SandboxFacts
  /** When its timeout is over, in seconds since the machine's start: a clock that goes on in its sleep, and that nobody sets. */
  readonly endsAt: number
  /** The snapshot whose files it began with. */
  readonly from?: OpenedSnapshot | undefined
}

interface Reached {
  readonly run: Run
  readonly facts: SandboxFacts
  readonly machine: Machine
  readonly layout: Layout
}

export function connectTo({ run, facts: { id, python }, machine, layout }: Reached): HostConnection {
  return connectHost(machine, layout, python, (text) => warn(run, id, 'connection-lost', text))
}

/** Its journal, which is read from now on; what lies before the position is another run's. */
export function readJournal(
  { run, facts, machine }: Reached,
  connection: HostConnection,
  sessions: SessionBook,
  position?: JournalPosition,
): Journal {
  const authorOf = (session: string, cell: string) => journal.authorOf(session, cell)
  const sink = journalSink(run, machine, { sandbox: facts.id, authorOf })
  const journal: Journal = new Journal(
    connection,
    {
      ...sink,
      async eventsOf(record) {
        if (!isSessionOf(facts, record.session) && !sessions.has(record.session)) return []
        return [...sessions.before(record), ...(await sink.eventsOf(record))]
      },
    },
    position,
  )
  sessions.listen(journal)
  // A loss is told by the journal to its kernels, and thrown there; the notice is for a run that asks them nothing more.
  journal.start().catch((error: unknown) => {
    try {
      if (error instanceof SeerError) warn(run, facts.id, error.code, error.message)
    } catch {
      // A log that cannot be written ends the run by itself.
    }
  })
  return journal
}

function warn(run: Run, sandbox: string, code: string, text: string): void {
  run.emit({ type: 'notice-add', by: 'system', sandbox, level: 'warning', code, text })
}
