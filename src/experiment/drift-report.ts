/** After a played recording: do the fresh numbers agree with the recorded ones? */
import { join } from 'node:path'
import { compareCells, DEFAULT_RTOL } from '../harness/drift.ts'
import { cellsFromEvents } from '../harness/cell-text.ts'
import { hidePlaces, placesOf } from '../harness/hide-places.ts'
import { driftTable } from '../harness/story/drift-table.ts'
import { lookOf } from '../harness/story/look.ts'
import type { Trajectory } from '../harness/trajectory.ts'
import { knownEvents, type Compute, type EventOf } from '../run/events.ts'
import { readEvents } from '../run/log-reader.ts'
import type { Run } from '../run/run.ts'

const UNKNOWN: Compute = { python: 'unknown', torch: null, isa: 'unknown', threads: null, device: 'unknown' }

/** Adds the drift report to the log and returns it as a table. */
export async function reportDrift(run: Run, recording: Trajectory): Promise<string> {
  const events = knownEvents((await readEvents(join(run.folder, 'events.jsonl'))).events)
  const compute = events.find((event): event is EventOf<'compute-report'> => event.type === 'compute-report')
  const fresh: Compute = compute
    ? {
        python: compute.python,
        torch: compute.torch,
        isa: compute.isa,
        threads: compute.threads,
        device: compute.device,
      }
    : UNKNOWN
  const now = hidePlaces(cellsFromEvents(events), placesOf(events))
  const cells = compareCells(recording.cells, now, { rtol: DEFAULT_RTOL })
  const report = { recorded: recording.compute, fresh, rtol: DEFAULT_RTOL, cells }
  run.emit({ type: 'drift-report', by: 'system', ...report })
  return ['', ...driftTable(lookOf(process.stdout), report)].join('\n')
}
