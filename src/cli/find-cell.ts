/** A cell of a run by what a person types: `c4`, or `s2/c4` where there are several sessions. */
import { join } from 'node:path'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'
import { readLog } from '../run/log-reader.ts'

export interface FoundCell {
  readonly session: string
  readonly id: string
  readonly kind: 'code' | 'text'
  readonly source: string
}

export async function findCell(folder: string, cell: string): Promise<FoundCell> {
  const names = new Set<string>()
  let found: FoundCell | undefined
  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (line.kind !== 'event' || (line.event.type !== 'cell-start' && line.event.type !== 'markdown-add')) continue
    const { event } = line
    const { session = '', cell: id = '' } = event
    names.add(id)
    // Of several sessions, the first one that has such a cell.
    if (found || (id !== cell && `${session}/${id}` !== cell)) continue
    found =
      event.type === 'cell-start'
        ? { session, id, kind: 'code', source: event.code }
        : { session, id, kind: 'text', source: event.text }
  }
  if (found) return found
  const known = [...names]
  throw new SeerError('unknown-cell', {
    message: `This run has no cell "${cell}"${didYouMean(cell, known)}`,
    hint:
      known.length > 0
        ? `The cells are: ${known.slice(0, 30).join(', ')}${known.length > 30 ? ', …' : ''}`
        : 'It has none.',
  })
}
