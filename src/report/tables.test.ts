import { expect, test } from 'vitest'
import type { AnyEvent } from '../run/fold.ts'
import { fold } from '../run/fold.ts'
import { reportTables, tablesFold } from './tables.ts'

let seq = 0
const row = (table: string, values: Record<string, unknown>) =>
  ({
    type: 'result-record',
    seq: (seq += 1),
    at: '2026-01-01T00:00:00.000Z',
    run: 'r',
    by: 'agent:a',
    table,
    row: values,
  }) as AnyEvent
const tables = (events: AnyEvent[]) => reportTables(fold(tablesFold, events))

test('rows of other shapes leave places empty, in the order in which columns came', () =>
  expect(tables([row('t', { a: 1, b: 'x' }), row('t', { b: [1], c: null }), row('u/..', { a: true })])).toEqual([
    {
      name: 't',
      file: 'results/t.jsonl',
      columns: ['a', 'b', 'c'],
      moreColumns: 0,
      rows: [
        ['1', 'x', null],
        [null, '[1]', 'null'],
      ],
      rowCount: 2,
    },
    expect.objectContaining({
      name: 'u/..',
      file: expect.stringMatching(/^results\/table-u-[-0-9a-f]+\.jsonl$/),
      rowCount: 1,
    }),
  ]))

test('names that every object has are names', () => {
  const [table] = tables([
    row('__proto__', JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3}') as Record<string, unknown>),
  ])
  expect(table).toMatchObject({
    name: '__proto__',
    columns: ['__proto__', 'constructor', 'toString'],
    rows: [['1', '2', '3']],
  })
})

test('many rows, columns, tables and long values are counted, and not kept', () => {
  const wide = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`c${i}`, 'x'.repeat(1000)]))
  const state = fold(tablesFold, [
    ...Array.from({ length: 500 }, () => row('t', wide)),
    ...Array.from({ length: 100 }, (_, i) => row(`t${i}`, { a: 1 })),
  ])
  const [first, ...rest] = reportTables(state)
  expect(first).toMatchObject({ rowCount: 500, moreColumns: 16 })
  expect(first!.rows).toHaveLength(50)
  expect(first!.rows[0]![0]).toHaveLength(301)
  expect(rest).toHaveLength(49)
  expect(state.more).toBe(51)
  expect(JSON.stringify(state).length).toBeLessThan(1_000_000)
})
