/** The tables that the agent's code recorded: their first rows, how many there are, and where all of them are. */
import { showHidden } from '../../notebook/hidden-characters.ts'
import { plural } from '../../amounts.ts'
import type { ReportTable } from './report-input.ts'

export function Tables({ tables }: { tables: readonly ReportTable[] }) {
  if (tables.length === 0) return null
  return (
    <section id="results">
      <h2>Results</h2>
      {tables.map((table) => (
        <Table key={table.file} table={table} />
      ))}
    </section>
  )
}

function Table({ table: { name, file, columns, moreColumns, rows, rowCount } }: { table: ReportTable }) {
  const isNumber = columns.map((_, i) => rows.every((row) => row[i] === null || isNumeric(row[i]!)))
  return (
    <details class="disclosure results-table" open={rows.length <= 12}>
      <summary>
        <strong>{showHidden(name)}</strong>{' '}
        <span class="quiet">
          {plural(rowCount, 'row')}, {plural(columns.length + moreColumns, 'column')}
        </span>
      </summary>
      <div class="table" tabIndex={0} role="group" aria-label={`Rows of ${showHidden(name)}`}>
        <table>
          <thead>
            <tr>
              {columns.map((column, i) => (
                <th key={column} scope="col" class={isNumber[i] ? 'align-right' : ''}>
                  {showHidden(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, n) => (
              <tr key={n}>
                {row.map((value, i) => (
                  <td key={i} class={isNumber[i] ? 'align-right' : ''}>
                    {value === null ? '' : showHidden(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet">
        {rowCount > rows.length && `The first ${rows.length} of ${plural(rowCount, 'row')}. `}
        {moreColumns > 0 && `${plural(moreColumns, 'more column')} not shown. `}
        All of it: <code class="path">{showHidden(file)}</code>
      </p>
    </details>
  )
}

function isNumeric(text: string): boolean {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)
}
