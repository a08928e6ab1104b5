import { describe, expect, it } from 'vitest'
import { compareCells } from './drift.ts'
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
    [
      'a set-up on another patch of Python',
      cell('m\n\npython 3.11.7\n[application/vnd.seer.compute+json]', { hidden: true }),
      cell('m\n\npython 3.11.9\n[application/vnd.seer.compute+json]', { hidden: true }),
      'exact',
      undefined,
    ],
    [
      'the same words by an agent',
      cell('python 3.11.7\n[application/vnd.seer.compute+json]'),
      cell('python 3.12\n[application/vnd.seer.compute+json]'),
      'differs',
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
