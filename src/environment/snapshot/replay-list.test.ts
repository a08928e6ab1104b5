import { expect, test } from 'vitest'
import { replayList, replayOf } from './replay-list.ts'
import type { SnapshotCell } from './snapshot.ts'

const ran = (session: string, code: string, of: Partial<SnapshotCell> = {}): SnapshotCell => ({
  session,
  cell: 'c1',
  code,
  by: 'agent:a',
  status: 'ok',
  generation: 1,
  ...of,
})
const codes = (cells: readonly SnapshotCell[]) => cells.map(({ code }) => code)

test('what ended well, in order; not Seer’s own set-up, but the researcher’s', () => {
  const cells = [
    ran('s1', 'seer.setup()', { by: 'setup' }),
    ran('s1', 'init', { by: 'setup' }),
    ran('s1', 'a'),
    ran('s1', '1 / 0', { status: 'error' }),
    ran('s1', 'forever', { status: 'running', generation: null }),
    ran('s1', 'seer.setup()'),
    ran('s1', 'b', { by: 'researcher' }),
  ]
  expect(codes(replayList(cells))).toEqual(['init', 'a', 'seer.setup()', 'b'])
})

test('after a restart only what the last kernel ran: the variables before were lost', () => {
  const cells = [ran('s1', 'old'), ran('s1', 'new', { generation: 2 }), ran('s2', 'other')]
  expect(codes(replayList(cells))).toEqual(['new', 'other'])
  // Also where nothing in it has ended well.
  expect(codes(replayList([ran('s1', 'old'), ran('s1', '1 / 0', { generation: 2, status: 'error' })]))).toEqual([])
})

test('of several sessions one is to be named', () => {
  const cells = [ran('s1', 'a'), ran('s2', 'b')]
  expect([codes(replayOf(cells, 's2')), codes(replayOf([ran('s7', 'x')], true)), replayOf([], true)]).toEqual([
    ['b'],
    ['x'],
    [],
  ])
  for (const which of [true, 's3'] as const)
    expect(() => replayOf(cells, which)).toThrow(
      expect.objectContaining({ code: 'replay-unclear', hint: "Say which: replay: 's1', replay: 's2'." }),
    )
})
