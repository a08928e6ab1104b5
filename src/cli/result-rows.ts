/** The rows of a run's tables, read from its log, each with where it comes from. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { EventOf } from '../run/events.ts'
import { summaryFold } from '../run/fold-summary.ts'
import { readLog } from '../run/log-reader.ts'

export type Row = Record<string, unknown>

export interface RunRows {
  readonly rows: readonly Row[]
  /** The names of all tables of the run. */
  readonly tables: readonly string[]
  /** Its words are a recording. */
  readonly recorded: boolean
  /** The log is damaged: rows may be missing. */
  readonly problems: number
}

/** Columns of Seer's own begin with `_`, as `_seq` and `_cell` do in `results/`; a row's own column of that name is in the log. */
export async function readRows(folder: string, table?: string): Promise<RunRows> {
  let summary = summaryFold.initial()
  let params: EventOf<'run-start'>['params'] = {}
  let problems = 0
  const records: EventOf<'result-record'>[] = []
  const tables = new Set<string>()
  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (line.kind === 'problem') problems += 1
    if (line.kind !== 'event') continue
    const { event } = line
    summary = summaryFold.step(summary, event)
    if (event.type === 'run-start') ({ params } = event)
    if (event.type !== 'result-record') continue
    tables.add(event.table)
    if (table === undefined || event.table === table) records.push(event)
  }
  const recorded = summary.recorded.length > 0 || summary.provider === 'recorded'
  const run = {
    _run: summary.run,
    _experiment: summary.experiment,
    _profile: summary.profile,
    _params: paramsHash(params),
    _provider: summary.provider,
    _recorded: recorded,
  }
  const rows = records.map((event) => ({
    ...event.row,
    ...run,
    _table: event.table,
    _seq: event.seq,
    _cell: event.cell ?? null,
  }))
  return { rows, tables: [...tables], recorded, problems }
}

/** Equal for equal parameters, in whatever order they stand. */
export function paramsHash(params: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(params)))
    .digest('hex')
    .slice(0, 12)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}
