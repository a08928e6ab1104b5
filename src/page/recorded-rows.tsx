/** Rows that were recorded one after the other into one table of results: as a table, the start and the end of a long one. */
import { showHidden } from '../notebook/hidden-characters.ts'
import { plural } from '../amounts.ts'
import { Disclosure } from './disclosure.tsx'
import { MAX_FIELDS, valueText, type Row } from './recorded-row.tsx'
import type { View } from './view.ts'

const FEW = 12
const HEAD = 4
const TAIL = 6

export function RecordedRows({ id, rows, view }: { id: string; rows: readonly Row[]; view: View }) {
  const { onToggle } = view
  const title = `${plural(rows.length, 'row')} recorded in ${showHidden(rows[0]?.table ?? '')}`
  if (rows.length > FEW && !onToggle) {
    return (
      <Disclosure id={id} view={view} class="table" summary={title}>
        {() => <Table rows={rows} title={title} />}
      </Disclosure>
    )
  }
  const isOpen = view.isOpen(id) === true
  const left = rows.length <= FEW || isOpen ? 0 : rows.length - HEAD - TAIL
  return (
    <div class="recorded-rows">
      <p class="output-label">{title}</p>
      <div class="table" tabIndex={0} role="group" aria-label={title}>
        <Table rows={rows} title={title} left={left} />
      </div>
      {rows.length > FEW && (
        <button
          type="button"
          class="more"
          data-open-id={id}
          data-is-open={String(isOpen)}
          onClick={() => onToggle?.(id, !isOpen)}
        >
          {isOpen ? 'Show less' : `Show all · ${plural(left, 'more row')}`}
        </button>
      )}
    </div>
  )
}

function Table({ rows, title, left = 0 }: { rows: readonly Row[]; title: string; left?: number }) {
  const names = [...new Set(rows.flatMap(({ fields }) => fields.map(([name]) => name)))].slice(0, MAX_FIELDS)
  const isText = (value: unknown) => typeof value !== 'number' && value !== null
  const texts = new Set(rows.flatMap(({ fields }) => fields.flatMap(([name, value]) => (isText(value) ? [name] : []))))
  const align = (name: string) => (texts.has(name) ? 'align-left' : '')
  const line = ({ fields }: Row, n: number) => {
    const values = new Map(fields)
    return (
      <tr key={n}>
        {names.map((name) => (
          <td key={name} class={align(name)}>
            {values.has(name) ? valueText(values.get(name)) : ''}
          </td>
        ))}
      </tr>
    )
  }
  return (
    <table aria-label={title}>
      <thead>
        <tr>
          {names.map((name) => (
            <th key={name} scope="col" class={align(name)}>
              {showHidden(name)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {(left === 0 ? rows : rows.slice(0, HEAD)).map(line)}
        {left > 0 && (
          <tr key="left">
            <td class="align-left" colSpan={names.length}>
              …
            </td>
          </tr>
        )}
        {left > 0 && rows.slice(-TAIL).map((row, n) => line(row, rows.length - TAIL + n))}
      </tbody>
    </table>
  )
}
