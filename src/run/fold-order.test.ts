import { expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput } from './events.ts'
import { cellsFold, cellsOf } from './fold-cells.ts'
import { fold } from './fold.ts'

const place = { by: 'agent:main', session: 's' } as const
const add = (
  cell: string,
  more: { supersedes?: string; after?: string | null; session?: string } = {},
): EventInput => ({
  type: 'markdown-add',
  ...place,
  cell,
  text: cell,
  ...more,
})
const setUp = (cell: string): EventInput => ({
  type: 'cell-start',
  ...place,
  by: 'setup',
  cell,
  code: '',
  hidden: true,
})
const move = (cell: string, after: string | null): EventInput => ({ type: 'cell-move', ...place, cell, after })
const remove = (cell: string): EventInput => ({ type: 'cell-remove', ...place, cell, from: 'notebook' })

const orderOf = (...events: EventInput[]) =>
  cellsOf(fold(cellsFold, stampAll(events)))
    .map(({ cell, removed }) => (removed ? `(${cell})` : cell))
    .join(' ')
const three = [setUp('c0'), add('c1'), add('c2'), add('c3')]

test.each<[string, EventInput[], string]>([
  ['at the end', [add('c4')], 'c0 c1 c2 c3 c4'],
  ['behind another', [add('c4', { after: 'c1' })], 'c0 c1 c4 c2 c3'],
  ['first, behind the set-up', [add('c4', { after: null })], 'c0 c4 c1 c2 c3'],
  [
    'behind one that has been replaced',
    [add('c4', { supersedes: 'c1' }), add('c5', { after: 'c1' })],
    'c0 c1 c4 c5 c2 c3',
  ],
  ['behind one that there is not', [add('c4', { after: 'c99' })], 'c0 c1 c2 c3 c4'],
  ['in the place of another, whatever else is said', [add('c4', { supersedes: 'c1', after: null })], 'c0 c1 c4 c2 c3'],
  ['moved back', [move('c3', 'c1')], 'c0 c1 c3 c2'],
  ['moved on', [move('c1', 'c3')], 'c0 c2 c3 c1'],
  ['moved to the front', [move('c3', null)], 'c0 c3 c1 c2'],
  ['moved behind itself', [move('c2', 'c2')], 'c0 c1 c2 c3'],
  ['moved with what it has replaced', [add('c4', { supersedes: 'c1' }), move('c4', 'c3')], 'c0 c2 c3 c1 c4'],
  ['moved behind what it has replaced', [add('c4', { supersedes: 'c1' }), move('c4', 'c1')], 'c0 c1 c4 c2 c3'],
  ['one that there is not is not moved', [move('c99', 'c1')], 'c0 c1 c2 c3'],
  ['taken out, where it stands', [remove('c2'), remove('c99')], 'c0 c1 (c2) c3'],
  ['of another session, where no cell of this one is', [add('c4', { session: 't', after: 'c1' })], 'c0 c1 c2 c3 c4'],
])('%s', (_, events, expected) => {
  expect(orderOf(...three, ...events)).toBe(expected)
})

test('two edits of one cell stand behind it in their order, also when one is moved', () => {
  const edits = [add('c4', { supersedes: 'c1' }), add('c5', { supersedes: 'c1' })]
  expect(orderOf(...three, ...edits)).toBe('c0 c1 c4 c5 c2 c3')
})
