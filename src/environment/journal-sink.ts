import type { JournalSink } from '../channel/journal.ts'
import { eventsOfRecord, type RecordContext } from '../channel/record-events.ts'
import type { Run } from '../run/run.ts'
import type { Machine } from '../sandbox/backend.ts'
import { resultSaver } from './save-result.ts'

/** Where a sandbox's journal goes: into the log of a run, live or recovered. */
export function journalSink(
  run: Run,
  machine: Pick<Machine, 'readFile'>,
  { sandbox, authorOf }: Pick<RecordContext, 'sandbox' | 'authorOf'>,
): JournalSink {
  const context: RecordContext = {
    sandbox,
    authorOf,
    readArtifact: (sha256) => run.artifacts.read(sha256),
    saveResult: resultSaver(machine, run),
  }
  return {
    sandbox,
    emit: run.emit,
    sync: () => run.sync(),
    hasArtifact: (sha256) => run.artifacts.has(sha256),
    storeArtifact: run.storeArtifact,
    eventsOf: (record) => eventsOfRecord(record, context),
  }
}
