import { expect, test } from 'vitest'
import { stampAll } from '../../../test/generate-log.ts'
import type { Output } from '../../notebook/nbformat.ts'
import { knownEvents, type EventInput } from '../../run/events.ts'
import { compareSession, type Side } from './compare.ts'

const png = (text: string) => ({
  'image/png': Buffer.from(text).toString('base64'),
  'text/plain': '<Figure size 640x480>',
})
const print = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text })
const show = (data: Extract<Output, { output_type: 'display_data' }>['data']): Output => ({
  output_type: 'display_data',
  data,
  metadata: {},
})

const html = (text: string) => show({ 'text/html': text, 'text/plain': '<IPython.core.display.HTML object>' })
const update = (text: string): Output => ({
  output_type: 'update_display_data',
  data: { 'text/html': text },
  metadata: {},
  display_id: 'x',
})

function side(
  session: string,
  cells: Record<string, Output[]>,
  more: { status?: 'ok' | 'error'; workspace?: string } = {},
): Side {
  const { status = 'ok', workspace = '/workspace' } = more
  const events = Object.entries(cells).flatMap(([cell, outputs]): EventInput[] => [
    { type: 'cell-start', by: 'agent:a', session, cell, code: 'same', hidden: false },
    ...outputs.map((output) => ({ type: 'cell-output', by: 'agent:a', session, cell, output }) as const),
    { type: 'cell-end', by: 'system', session, cell, status, executionCount: 1, durationMs: 1 },
  ])
  const begun: EventInput = {
    type: 'sandbox-start',
    by: 'system',
    backend: 'local',
    confinement: 'none',
    environment: 'e',
    workspacePath: workspace,
    attach: {},
  }
  return { session, events: knownEvents(stampAll([begun, ...events])) }
}

const compare = (then: Output[], now: Output[], rtol?: number) =>
  compareSession(side('s1', { c2: then }), side('s7', { c9: now }), [{ cell: 'c2', fresh: 'c9' }], rtol)[0]

test.each<[string, Output[], Output[], object]>([
  ['the same text', [print('a 1.5')], [print('a 1.5')], { verdict: 'exact', bytes: [5, 5] }],
  [
    'the last digit',
    [print('a 1.50001')],
    [print('a 1.50002')],
    { verdict: 'within-tolerance', largestRelative: expect.closeTo(6.7e-6, 7) as number },
  ],
  ['another number', [print('a 1.5')], [print('a 2.5 and more')], { verdict: 'differs', bytes: [5, 14] }],
  ['the same picture', [show(png('x'))], [show(png('x'))], { verdict: 'exact' }],
  [
    'another picture',
    [print('n'), show(png('x')), show(png('y'))],
    [print('n'), show(png('x')), show(png('zzz'))],
    { verdict: 'differs', detail: 'picture 2 of 2 (image/png): 1 bytes → 3 bytes, other content' },
  ],
  [
    'another drawing',
    [show({ 'image/svg+xml': '<svg/>' })],
    [show({ 'image/svg+xml': '<svg a=""/>' })],
    { verdict: 'differs', detail: expect.stringContaining('image/svg+xml') as string },
  ],
  [
    'another drawing that is a file',
    [show({ 'image/svg+xml': { blob: 'a'.repeat(64), bytes: 9, encoding: 'text' } })],
    [show({ 'image/svg+xml': { blob: 'b'.repeat(64), bytes: 9, encoding: 'text' } })],
    { verdict: 'differs', detail: 'picture 1 of 1 (image/svg+xml): 9 bytes → 9 bytes, other content' },
  ],
  ['the same HTML', [html('a')], [html('a')], { verdict: 'exact' }],
  [
    'other HTML of the same name',
    [html('<b>won</b>')],
    [html('<b>lost</b>')],
    { verdict: 'differs', detail: 'text/html: "<b>won</b>" → "<b>lost</b>"' },
  ],
  [
    'the last digit in HTML',
    [print('a 1.5'), html('1.50001')],
    [print('a 1.5'), html('1.50002')],
    { verdict: 'within-tolerance', largestRelative: expect.closeTo(6.7e-6, 7) as number },
  ],
  [
    'a figure with other data',
    [show({ 'application/vnd.plotly.v1+json': { data: [{ y: [1.5] }] } })],
    [show({ 'application/vnd.plotly.v1+json': { data: [{ y: [2.5] }] } })],
    {
      verdict: 'differs',
      detail: expect.stringMatching(/^application\/vnd\.plotly\.v1\+json: .*1\.5 → 2\.5$/) as string,
    },
  ],
  [
    'a display that was updated otherwise',
    [{ ...html('a'), display_id: 'x' } as Output, update('now')],
    [{ ...html('a'), display_id: 'x' } as Output, update('then')],
    { verdict: 'differs', detail: 'text/html: "now" → "then"' },
  ],
  [
    'the same widget, which has another id each time',
    [show({ 'application/vnd.jupyter.widget-view+json': { model_id: 'a' }, 'text/plain': 'w' })],
    [show({ 'application/vnd.jupyter.widget-view+json': { model_id: 'b' }, 'text/plain': 'w' })],
    { verdict: 'exact' },
  ],
  ['a picture less', [show(png('x')), show(png('x'))], [show(png('x'))], { verdict: 'differs' }],
])('%s', (_, then, now, expected) => {
  expect(compare(then, now)).toMatchObject({ cell: 'c2', ...expected })
})

test('a picture that is a file is compared by its hash', () => {
  const blob = (letter: string) => show({ 'image/png': { blob: letter.repeat(64), bytes: 9, encoding: 'base64' } })
  expect(compare([blob('a')], [blob('a')])).toMatchObject({ verdict: 'exact' })
  expect(compare([blob('a')], [blob('b')])).toMatchObject({ verdict: 'differs' })
})

test('the size is that of all that was put out, also where only its ends are kept', () => {
  const file = { blob: 'a'.repeat(64), bytes: 200_000, encoding: 'text', head: 'a', tail: 'b' } as const
  const long: Output = { output_type: 'stream', name: 'stdout', text: file }
  const failed: Output = { output_type: 'error', ename: 'E', evalue: 'why', traceback: ['long'] }
  expect(compare([long], [long])).toMatchObject({ verdict: 'exact', bytes: [200_000, 200_000] })
  expect(compare([print('x'.repeat(300_000))], [html('abc')])).toMatchObject({ bytes: [300_000, 37] })
  expect(compare([show({ ...png('x'), 'text/plain': 'p' })], [failed])).toMatchObject({ bytes: [1, 6] })
})

test('the tolerance can be chosen', () => {
  expect(compare([print('1.0')], [print('1.1')], 0.2)).toMatchObject({ verdict: 'within-tolerance' })
  expect(compare([print('1.000001')], [print('1.0000011')], 0)).toMatchObject({ verdict: 'differs' })
})

test('folders of the two machines are no difference; how it ended is one', () => {
  const then = side('s1', { c2: [print('in /home/one/work/x')] }, { workspace: '/home/one/work' })
  const now = side('s1', { c2: [print('in /home/two/other/x')] }, { workspace: '/home/two/other' })
  expect(compareSession(then, now, [{ cell: 'c2', fresh: 'c2' }])).toMatchObject([{ verdict: 'exact' }])
  const failed = side('s1', { c2: [print('in /home/two/other/x')] }, { workspace: '/home/two/other', status: 'error' })
  expect(compareSession(then, failed, [{ cell: 'c2', fresh: 'c2' }])).toMatchObject([
    { verdict: 'differs', detail: 'status: ok → error' },
  ])
})

test('one that was not run again is missing, with the reason', () => {
  const then = side('s1', { c2: [print('abc')], c3: [] })
  expect(
    compareSession(then, side('s1', {}), [
      { cell: 'c2', fresh: undefined, why: 'not run: x' },
      { cell: 'c3', fresh: 'c3' },
    ]),
  ).toEqual([
    { cell: 'c2', verdict: 'missing', largestRelative: null, detail: 'not run: x', bytes: [3, null] },
    { cell: 'c3', verdict: 'missing', largestRelative: null, detail: 'was not run again', bytes: [0, null] },
  ])
})
