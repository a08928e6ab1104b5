import { join } from 'node:path'
import type { Output } from '../notebook/nbformat.ts'
import { readLog } from './log-reader.ts'

/** Everything that a cell put out, in order, from the log: what the folds keep only the ends of. */
export async function* readCellMessages(folder: string, session: string, cell: string): AsyncGenerator<Output> {
  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (line.kind !== 'event' || line.event.type !== 'cell-output') continue
    if (line.event.session === session && line.event.cell === cell) yield line.event.output
  }
}
