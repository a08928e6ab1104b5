import { join } from 'node:path'
import type { CellMessage } from '../notebook/read-output.ts'
import { readLog } from './log-reader.ts'

/** Everything that a cell put out, in order, from the log: what the folds keep only the ends of. */
export async function* readCellMessages(folder: string, session: string, cell: string): AsyncGenerator<CellMessage> {
  let late = false
  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (line.kind !== 'event') continue
    const { event } = line
    if (event.session !== session || event.cell !== cell) continue
    if (event.type === 'cell-output') yield { output: event.output, late, into: event.into }
    late ||= event.type === 'cell-end' || (event.type === 'cell-start' && event.begun?.status !== undefined)
  }
}
