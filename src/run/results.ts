/** `results/<table>.jsonl`: the rows that the agent's code recorded, one JSON object a line, made from the log and nothing else. */
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { describeError, SeerError } from '../errors.ts'
import type { EventOf } from './events.ts'
import type { AnyEvent } from './fold.ts'
import { refuseLink } from './own-folder.ts'
import { makeFolder } from './paths.ts'

export interface ResultsWriter {
  /** Appends the row of a `result-record`, once: an event that a table has already is passed over, so a log can be read again. */
  push(event: AnyEvent): void
}

/** A row with where it comes from. Its own `_seq`, `_session` or `_cell`, if it has such, are in the log. */
export function resultRow(event: EventOf<'result-record'>): string {
  const { row, seq, session = null, cell = null } = event
  return `${JSON.stringify({ ...row, _seq: seq, _session: session, _cell: cell })}\n`
}

/** The table's name comes from the agent's code: one that is no plain file name is written in another way. */
export function tableFile(table: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(table)) return `${table}.jsonl`
  const plain = table.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, 60)
  return `table-${plain}-${createHash('sha256').update(table).digest('hex').slice(0, 8)}.jsonl`
}

export function openResults(folder: string): ResultsWriter {
  const tables = new Map<string, { lastSeq: number; length: number }>()
  return {
    push(event) {
      if (event.type !== 'result-record') return
      const record = event as EventOf<'result-record'>
      const path = join(folder, tableFile(record.table))
      try {
        const table = tables.get(path) ?? openTable(folder, path)
        tables.set(path, table)
        if (record.seq <= table.lastSeq) return
        const row = resultRow(record)
        appendRow(path, row, table.length)
        tables.set(path, { lastSeq: record.seq, length: table.length + Buffer.byteLength(row) })
      } catch (error) {
        throw new SeerError('results-write-failed', {
          message: `A row of ${path} could not be written: ${describeError(error)}`,
          hint: 'The row is in events.jsonl. Make room on that disk, or choose another one with --output-dir.',
          cause: error,
          endsRun: true,
        })
      }
    },
  }
}

/** What an earlier process wrote, without a line that it did not finish. */
function openTable(folder: string, path: string): { lastSeq: number; length: number } {
  for (const made of [folder, path]) refuseLink(made)
  makeFolder(folder)
  if (!statSync(path, { throwIfNoEntry: false })) return { lastSeq: 0, length: 0 }
  const bytes = readFileSync(path)
  let length = 0
  let lastSeq = 0
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, length)) {
    const seq = seqOf(bytes.toString('utf8', length, end))
    if (seq === undefined || seq <= lastSeq) break
    lastSeq = seq
    length = end + 1
  }
  truncateSync(path, length)
  return { lastSeq, length }
}

function seqOf(line: string): number | undefined {
  try {
    return z.object({ _seq: z.int() }).parse(JSON.parse(line))['_seq']
  } catch {
    return undefined
  }
}

function appendRow(path: string, row: string, length: number): void {
  try {
    appendFileSync(path, row)
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })) truncateSync(path, length)
    throw error
  }
}
