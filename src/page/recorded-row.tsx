/** A row that the agent's code recorded into a table of results. */
import { isBlobRef, type MimeBundle } from '../notebook/nbformat.ts'
import { showHidden } from '../notebook/hidden-characters.ts'
import { number } from '../amounts.ts'

const MIME = 'application/vnd.seer.record+json'
const MAX_VALUE = 400
export const MAX_FIELDS = 40

export interface Row {
  readonly table: string
  readonly fields: [string, unknown][]
}

export function recordedRow(data: MimeBundle): Row | undefined {
  const value: unknown = data[MIME]
  if (!isObject(value) || isBlobRef(value)) return undefined
  const { table, row } = value
  return typeof table === 'string' && isObject(row) ? { table, fields: Object.entries(row) } : undefined
}

export function RecordedRow({ row: { table, fields } }: { row: Row }) {
  return (
    <div class="recorded-row">
      <span class="recorded-row-table">recorded in {showHidden(table)}</span>
      <dl>
        {fields.slice(0, MAX_FIELDS).map(([name, value]) => (
          <div key={name}>
            <dt>{showHidden(name)}</dt>
            <dd>{valueText(value)}</dd>
          </div>
        ))}
      </dl>
      {fields.length > MAX_FIELDS && <span class="left-out">and {fields.length - MAX_FIELDS} fields more</span>}
    </div>
  )
}

export function valueText(value: unknown): string {
  const text = typeof value === 'number' ? number(value) : typeof value === 'string' ? value : JSON.stringify(value)
  return showHidden(text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
