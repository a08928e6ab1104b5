/** Rows as a Parquet file, which keeps what CSV forgets: which column is a number, and the difference of empty and missing. */
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Row } from './result-rows.ts'

type Column = Parameters<typeof parquetWriteBuffer>[0]['columnData'][number]

export function parquetFile(names: readonly string[], rows: readonly Row[]): Uint8Array {
  const columnData = names.map((name) =>
    column(
      name,
      rows.map((row) => (Object.hasOwn(row, name) ? (row[name] ?? null) : null)),
    ),
  )
  return new Uint8Array(parquetWriteBuffer({ columnData }))
}

/** Numbers, booleans and texts as such; lists, objects, and columns of several types as JSON text. */
function column(name: string, values: readonly unknown[]): Column {
  const types = new Set(values.filter((value) => value !== null).map((value) => typeof value))
  const only = types.size === 1 ? [...types][0] : undefined
  const nullable = true
  if (only === 'boolean') return { name, data: [...values], type: 'BOOLEAN', nullable }
  if (only === 'number') return { name, data: [...values], type: values.every(isInt32) ? 'INT32' : 'DOUBLE', nullable }
  if (only === 'string') return { name, data: [...values], type: 'STRING', nullable }
  const data = values.map((value) => (value === null ? null : JSON.stringify(value)))
  return { name, data, type: 'STRING', nullable }
}

function isInt32(value: unknown): boolean {
  return value === null || (typeof value === 'number' && (value | 0) === value && !Object.is(value, -0))
}
