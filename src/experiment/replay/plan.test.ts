import { expect, test } from 'vitest'
import { stampAll } from '../../../test/generate-log.ts'
import { knownEvents, type By, type EventInput } from '../../run/events.ts'
import { planSession } from './plan.ts'

const place = { session: 's1', sandbox: 'sb' } as const
type End = Extract<EventInput, { type: 'cell-end' }>['status']

function cell(
  id: string,
  code: string,
  {
    by = 'agent:a',
    generation = 1,
    status = 'ok',
    tookMs = 100,
    interrupted = false,
    ...start
  }: {
    by?: By
    generation?: number
    status?: End | 'none'
    tookMs?: number
    interrupted?: boolean
    hidden?: boolean
    supersedes?: string
    after?: string
  } = {},
): EventInput[] {
  const at = { ...place, cell: id, kernel: { generation, seq: 1 } }
  return [
    { type: 'cell-start', ...place, cell: id, by, code, hidden: false, ...start },
    { type: 'cell-output', ...at, by, output: { output_type: 'stream', name: 'stdout', text: '' } },
    ...(interrupted ? [{ type: 'cell-interrupt', ...at, by, how: 'message' } as const] : []),
    ...(status === 'none'
      ? []
      : [{ type: 'cell-end', ...at, by: 'system', status, executionCount: 1, durationMs: tookMs } as const]),
  ]
}
const setUp = [...cell('c1', 'seer.setup()', { by: 'setup', hidden: true })]
const start: EventInput = {
  type: 'session-start',
  ...place,
  by: 'system',
  kind: 'notebook',
  toolsVersion: 'v',
  libraries: [],
  models: [],
}

function plan(events: EventInput[], options: { all?: boolean; fromSnapshot?: boolean } = {}) {
  const stamped = knownEvents(stampAll([start, ...setUp, ...events]))
  const made = planSession(stamped, 's1', { all: false, fromSnapshot: false, ...options })
  return {
    ...made,
    ids: made.cells.map(({ cell: id }) => id).join(' '),
    why: Object.fromEntries(made.left.map(({ cell: id, why }) => [id, why])),
  }
}

const MIXED = [
  ...cell('c2', 'a = 1'),
  ...cell('c3', 'old'),
  ...cell('c4', 'dies', { status: 'died' }),
  ...cell('c5', 'never', { status: 'aborted' }),
  ...cell('c6', 'seer.setup()', { by: 'setup', hidden: true, generation: 2 }),
  ...cell('c7', 'new', { supersedes: 'c3', generation: 2 }),
  ...cell('c8', 'fails', { status: 'error', generation: 2 }),
  ...cell('c9', 'endless', { status: 'error', interrupted: true, generation: 2, tookMs: 700 }),
  ...cell('c10', 'first', { after: 'c2', generation: 2 }),
  ...cell('c11', 'dead end', { generation: 2 }),
  { type: 'cell-remove', ...place, cell: 'c11', by: 'agent:a', from: 'notebook' } as const,
  ...cell('c12', 'lost', { status: 'none', generation: 2 }),
]

test('what the notebook shows, top to bottom, and why the others are left', () => {
  const { ids, why } = plan(MIXED)
  expect(ids).toBe('c2 c10 c7 c8')
  expect(why).toEqual({
    c3: 'replaced by c7',
    c4: 'the kernel had died in it',
    c5: 'it had never run',
    c9: 'interrupted then: nobody knows when to interrupt it now',
    c11: 'taken out of the notebook',
    c12: 'how it had ended is not known',
  })
})

test('all of it, as it ran, with the kernels in which it ran', () => {
  const { ids, cells, why } = plan(MIXED, { all: true })
  expect(ids).toBe('c2 c3 c4 c7 c8 c9 c10 c11')
  expect(cells.map(({ generation }) => generation)).toEqual([1, 1, 1, 2, 2, 2, 2, 2])
  expect(Object.keys(why)).toEqual(['c5', 'c12'])
})

test('a cell may take ten times as long as then, and a minute; one that was interrupted as long as then', () => {
  const limits = Object.fromEntries(plan(MIXED, { all: true }).cells.map(({ cell: id, limitMs }) => [id, limitMs]))
  expect(limits).toMatchObject({ c2: 61_000, c9: 700 })
})

test('set-up code of the researcher is set-up again, and what Seer does itself is no cell', () => {
  const path = 'import sys\nsys.path += [folder for folder in ["/x"] if folder not in sys.path]\ndel sys'
  const events = [
    ...cell('c2', path, { by: 'setup', hidden: true }),
    ...cell('c3', 'init = 1', { by: 'setup', hidden: true }),
    ...cell('c4', 'print(init)'),
    ...cell('c5', 'init = 1', { by: 'setup', hidden: true, generation: 2 }),
  ]
  expect(plan(events)).toMatchObject({ ids: 'c4', initCode: 'init = 1', hiddenModelLoading: true, left: [] })
  expect(plan(events, { all: true }).ids).toBe('c4')
  // What a session that began with a snapshot had run again are cells as any other.
  expect(plan(events.slice(2), { fromSnapshot: true })).toMatchObject({ ids: 'c3 c4 c5', initCode: undefined })
})

test('files that the agent had written by a tool are written before the next cell', () => {
  const write = (call: string, path: string, isError = false): EventInput[] => [
    { type: 'tool-start', by: 'agent:a', call, name: 'write_file', input: { path, text: `text of ${path}` } },
    { type: 'tool-end', by: 'agent:a', call, name: 'write_file', isError, durationMs: 1, content: [] },
  ]
  const events = [
    ...write('1', 'one'),
    ...write('2', 'refused', true),
    ...cell('c2', 'a'),
    ...cell('c3', 'b'),
    ...write('3', 'two'),
    ...cell('c4', 'c'),
    ...write('4', 'never read'),
  ]
  const files = plan(events).cells.map(({ cell: id, files: all }) => `${id}: ${all.map(({ path }) => path).join()}`)
  expect(files).toEqual(['c2: one', 'c3: ', 'c4: two'])
  expect(plan(events).cells[0]!.files).toEqual([{ path: 'one', text: 'text of one' }])
  // With two sessions nobody knows into which sandbox.
  const second: EventInput = { ...start, session: 's2' }
  expect(plan([second, ...events]).cells.flatMap(({ files: all }) => all)).toEqual([])
})
