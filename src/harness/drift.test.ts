import { describe, expect, it } from 'vitest'
import { compareCells, driftTable } from './drift.ts'
import type { RecordedCell } from './trajectory.ts'

const cell = (text: string, more: Partial<RecordedCell> = {}): RecordedCell => ({
  code: 'x',
  hidden: false,
  status: 'ok',
  text,
  ...more,
})

describe('compareCells', () => {
  it.each<[string, RecordedCell | undefined, RecordedCell | undefined, string, string | undefined]>([
    ['the same', cell('norm 1.5'), cell('norm 1.5'), 'exact', undefined],
    ['last digits', cell('norm 1.5'), cell('norm 1.50001'), 'within-tolerance', undefined],
    ['another number', cell('norm 1.5'), cell('norm 1.6'), 'differs', 'norm 1.5 → 1.6'],
    ['another status', cell('', { status: 'ok' }), cell('', { status: 'error' }), 'differs', 'status: ok → error'],
    ['other code', cell('', { code: 'a' }), cell('', { code: 'b' }), 'differs', 'other code was run'],
    [
      'other set-up code',
      cell('', { code: 'a', hidden: true }),
      cell('', { code: 'b', hidden: true }),
      'exact',
      undefined,
    ],
    ['not run now', cell(''), undefined, 'missing', 'ran when recorded, and not now'],
    ['not run then', undefined, cell(''), 'missing', 'ran now, and not when recorded'],
  ])('%s', (_, recorded, fresh, verdict, detail) => {
    const [drift] = compareCells(recorded ? { c1: recorded } : {}, fresh ? { c1: fresh } : {})
    expect(drift).toMatchObject({ cell: 'c1', verdict, ...(detail !== undefined && { detail }) })
  })

  it('takes the tolerance that it is given', () => {
    expect(compareCells({ c1: cell('1.0') }, { c1: cell('1.01') }, { rtol: 0.1 })[0]?.verdict).toBe('within-tolerance')
  })
})

it('prints a line a cell, counts first, and marks what differs between the machines', () => {
  const recorded = { python: '3.11', torch: '2.13.0', isa: 'AVX2', threads: 1, device: 'cpu' }
  const fresh = { ...recorded, torch: '2.14.0', threads: null }
  const cells = compareCells(
    { c1: cell('1.5'), c2: cell('1.5'), c10: cell('a'), c11: cell('a') },
    { c1: cell('1.5'), c2: cell('1.50001'), c10: cell('b') },
  )
  expect(driftTable({ recorded, fresh, rtol: 1e-4, cells })).toBe(
    [
      '4 cells: 1 exact, 1 within 0.0001, 1 differ, 1 missing',
      '  c1   exact',
      '  c2   within-tolerance  largest 6.7e-6',
      '* c10  differs           "a" → "b"',
      '* c11  missing           ran when recorded, and not now',
      '* torch    2.13.0 → 2.14.0',
      '  ISA      AVX2',
      '* threads  1 → none',
      '  device   cpu',
      '  Python   3.11',
    ].join('\n'),
  )
})
