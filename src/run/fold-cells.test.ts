import { expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { Output } from '../notebook/nbformat.ts'
import { itemsOf } from '../notebook/outputs.ts'
import { viewOfStream } from '../notebook/stream-text.ts'
import type { EventInput } from './events.ts'
import { cellsFold, cellsOf, type CellState } from './fold-cells.ts'
import { fold } from './fold.ts'

const by = 'agent:main'
const begin = (cell: string, more: { supersedes?: string; session?: string; hidden?: boolean } = {}): EventInput => ({
  type: 'cell-start',
  by,
  session: 's',
  cell,
  code: `code of ${cell}`,
  hidden: false,
  ...more,
})
const output = (cell: string, given: Output): EventInput => ({
  type: 'cell-output',
  by,
  session: 's',
  cell,
  output: given,
})
const print = (cell: string, text: string) => output(cell, { output_type: 'stream', name: 'stdout', text })
const end = (cell: string): EventInput => ({
  type: 'cell-end',
  by,
  session: 's',
  cell,
  status: 'ok',
  executionCount: 3,
  durationMs: 12,
})
const markdown = (cell: string, supersedes?: string): EventInput => ({
  type: 'markdown-add',
  by,
  session: 's',
  cell,
  text: '# hi',
  ...(supersedes === undefined ? {} : { supersedes }),
})

function cellsAfter(...events: EventInput[]): CellState[] {
  return cellsOf(fold(cellsFold, stampAll(events)))
}

function brief(cells: CellState[]): string[] {
  return cells.map(
    ({ cell, status, supersededBy }) => `${cell} ${status}${supersededBy === null ? '' : ` → ${supersededBy}`}`,
  )
}

test('a cell from start to end', () => {
  const [cell] = cellsAfter(
    begin('c1'),
    print('c1', 'a'),
    { ...print('c1', 'b'), kernel: { generation: 2, seq: 9 } },
    end('c1'),
  )
  expect(cell).toMatchObject({
    source: 'code of c1',
    by,
    status: 'ok',
    executionCount: 3,
    durationMs: 12,
    generation: 2,
  })
  const [item] = itemsOf(cell!.outputs)
  expect(item?.kind === 'stream' && viewOfStream(item.text).head).toBe('ab')
})

test.each<[string, EventInput[], string[]]>([
  ['in the order of their start', [begin('c1'), begin('c2'), end('c1')], ['c1 ok', 'c2 running']],
  [
    'an edit stands after what it supersedes',
    [begin('c1'), begin('c2'), begin('c3', { supersedes: 'c1' })],
    ['c1 running → c3', 'c3 running', 'c2 running'],
  ],
  [
    'an edit of an edit',
    [begin('c1'), begin('c2'), begin('c3', { supersedes: 'c1' }), begin('c4', { supersedes: 'c3' })],
    ['c1 running → c3', 'c3 running → c4', 'c4 running', 'c2 running'],
  ],
  [
    'two edits of one cell: the later one is what counts',
    [begin('c1'), begin('c2', { supersedes: 'c1' }), begin('c3', { supersedes: 'c1' })],
    ['c1 running → c2', 'c2 running → c3', 'c3 running'],
  ],
  [
    'an edit of a cell that is not there',
    [begin('c1'), begin('c2', { supersedes: 'c9' })],
    ['c1 running', 'c2 running'],
  ],
  ['an edit of itself', [begin('c1', { supersedes: 'c1' })], ['c1 running']],
  [
    'markdown is edited as code is',
    [markdown('c1'), begin('c2'), markdown('c3', 'c1')],
    ['c1 ok → c3', 'c3 ok', 'c2 running'],
  ],
  ['output whose cell has no start', [print('c7', 'x')], ['c7 unknown']],
  ['output after the end', [begin('c1'), end('c1'), print('c1', 'late')], ['c1 ok']],
  [
    'a run that ended',
    [begin('c1'), { type: 'run-end', by: 'system', status: 'crashed', durationMs: 1 }],
    ['c1 unknown'],
  ],
  [
    'a kernel that died, and another that did not',
    [
      begin('c1'),
      begin('c1', { session: 't' }),
      {
        type: 'kernel-dead',
        by: 'system',
        session: 's',
        reason: 'died',
        exitCode: null,
        signal: 'SIGKILL',
        variablesLost: true,
      },
    ],
    ['c1 died', 'c1 running'],
  ],
  [
    'a kernel that Seer ended',
    [
      begin('c1'),
      {
        type: 'kernel-dead',
        by: 'system',
        session: 's',
        reason: 'asked',
        exitCode: null,
        signal: 'SIGTERM',
        variablesLost: true,
      },
    ],
    ['c1 stopped'],
  ],
  [
    'names that every object has',
    [begin('__proto__'), begin('constructor'), end('__proto__')],
    ['__proto__ ok', 'constructor running'],
  ],
])('%s', (_, events, expected) => {
  expect(brief(cellsAfter(...events))).toEqual(expected)
})

test('an update by display id reaches other cells of the same kernel, and no others', () => {
  const show = (text: string): Output => ({
    output_type: 'display_data',
    data: { 'text/plain': text },
    metadata: {},
    display_id: 'd',
  })
  const update: Output = {
    output_type: 'update_display_data',
    data: { 'text/plain': 'new' },
    metadata: {},
    display_id: 'd',
  }
  const cells = cellsAfter(
    begin('c1'),
    output('c1', show('old')),
    begin('c1', { session: 't' }),
    { ...output('c1', show('old')), session: 't' },
    begin('c2'),
    output('c2', update),
  )
  const shown = cells.map(({ outputs }) =>
    itemsOf(outputs).map((item) => item.kind === 'data' && item.output.data['text/plain']),
  )
  expect(shown).toEqual([['new'], ['old'], []])
})

const view = (cell: string, model: string, session = 's'): EventInput => ({
  ...output(cell, {
    output_type: 'display_data',
    data: { 'application/vnd.jupyter.widget-view+json': { model_id: model }, 'text/plain': 'first' },
    metadata: {},
  }),
  session,
})
const widget = (cell: string, model: string, state: Record<string, string | string[]>): EventInput => ({
  type: 'widget-update',
  by,
  session: 's',
  cell,
  model,
  widget: { state, buffers: [] },
})
const widgetsOf = ({ outputs }: CellState) => itemsOf(outputs).map((item) => item.kind === 'data' && item.widget)

test('a widget says in every cell that shows it what it is now, also inside of another', () => {
  const label = (value: string) => widget('c2', 'm1', { _model_name: 'LabelModel', value })
  const [one, two, other] = cellsAfter(
    begin('c1'),
    label('one'),
    view('c1', 'm1'),
    begin('c2'),
    widget('c2', 'm2', { _model_name: 'VBoxModel', children: ['IPY_MODEL_m1'] }),
    view('c2', 'm2'),
    begin('c3', { session: 't' }),
    view('c3', 'm1', 't'),
    label('two'),
  )
  expect(widgetsOf(one!)).toEqual(['two'])
  expect(widgetsOf(two!)).toEqual(['two'])
  expect(widgetsOf(other!)).toEqual([undefined])
  expect(one!.version).toBeGreaterThan(other!.version)
})

test('what comes after a cell’s end is counted, and an update of it changes no other cell', () => {
  const show = (cell: string, text: string, type: 'display_data' | 'update_display_data' = 'display_data') =>
    output(cell, { output_type: type, data: { 'text/plain': text }, metadata: {}, display_id: 'd' })
  const [one, two] = cellsAfter(
    begin('c1'),
    show('c1', 'first'),
    end('c1'),
    begin('c2'),
    show('c2', 'second'),
    show('c1', 'late', 'update_display_data'),
    print('c1', 'x'),
  )
  const shown = ({ outputs }: CellState) =>
    itemsOf(outputs).map((item) => (item.kind === 'data' ? item.output.data['text/plain'] : item.kind))
  expect(shown(one!)).toEqual(['first', 'late', 'stream'])
  expect(shown(two!)).toEqual(['second'])
  expect([one!.lateMessages, two!.lateMessages]).toEqual([2, 0])
})

test('a change gives a cell a new version, and leaves those of others', () => {
  const events = stampAll([begin('c1'), begin('c2'), print('c2', 'x')])
  const before = cellsOf(fold(cellsFold, events.slice(0, 2))).map(({ version }) => version)
  const after = cellsOf(fold(cellsFold, events)).map(({ version }) => version)
  expect(after[0]).toBe(before[0])
  expect(after[1]).toBeGreaterThan(before[1]!)
})

test('by session: its cells as they came, wherever they stand, and those that put out something late', () => {
  const { begun, late, order } = fold(
    cellsFold,
    stampAll([
      begin('c1'),
      end('c1'),
      begin('c1', { session: '__proto__' }),
      begin('c2'),
      end('c2'),
      begin('c3', { supersedes: 'c1' }),
      print('c2', 'late'),
      print('c2', 'later'),
      print('c3', 'in time'),
    ]),
  )
  expect(begun).toEqual({ 's/': ['c1', 'c2', 'c3'], '__proto__/': ['c1'] })
  expect(late).toEqual({ 's/': ['c2'] })
  expect(order.map((key) => key.split(/\W/).at(-1))).toEqual(['c1', 'c3', 'c1', 'c2'])
})
