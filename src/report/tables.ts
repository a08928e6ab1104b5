/** The tables of results, as far as a report shows them: their columns, their first rows, how many there are. */
import type { ReportTable } from '../page/report/report-input.ts'
import { foldBy } from '../run/fold.ts'
import { tableFile } from '../run/results.ts'

const MAX_ROWS = 50
const MAX_COLUMNS = 24
const MAX_TABLES = 50
const MAX_CELL = 300

interface OpenTable {
  columns: string[]
  rows: [string, string][][]
  rowCount: number
}

export interface TablesState {
  /** Pairs, since a name is the agent's and may be any string. */
  tables: [string, OpenTable][]
  more: number
}

export const tablesFold = foldBy<TablesState>(() => ({ tables: [], more: 0 }), {
  'result-record': (state, { table: name, row }) => {
    let table = state.tables.find(([known]) => known === name)?.[1]
    if (!table) {
      if (state.tables.length === MAX_TABLES) return void (state.more += 1)
      table = { columns: [], rows: [], rowCount: 0 }
      state.tables.push([name, table])
    }
    table.rowCount += 1
    if (table.rows.length === MAX_ROWS) return
    const fields = Object.entries(row).map(([column, value]): [string, string] => [column, textOf(value)])
    for (const [column] of fields) if (!table.columns.includes(column)) table.columns.push(column)
    table.rows.push(fields)
  },
})

export function reportTables({ tables }: TablesState): ReportTable[] {
  return tables.map(([name, { columns, rows, rowCount }]) => {
    const shown = columns.slice(0, MAX_COLUMNS)
    return {
      name,
      file: `results/${tableFile(name)}`,
      columns: shown,
      moreColumns: columns.length - shown.length,
      rows: rows.map((fields) => shown.map((column) => fields.find(([known]) => known === column)?.[1] ?? null)),
      rowCount,
    }
  })
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text
}
