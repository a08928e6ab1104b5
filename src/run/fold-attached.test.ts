/** What becomes of a session that one run leaves and another takes up, in all that is made of their logs. */
import { expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput } from './events.ts'
import { cellsFold } from './fold-cells.ts'
import { fold } from './fold.ts'
import { durationProblem, lifetimeFold } from './lifetime.ts'
import { notebookFold, notebookOf } from './fold-notebook.ts'
import { runJson } from './run-json.ts'

const place = (cell: string) => ({ session: 's1', sandbox: 'sb-1', cell, by: 'researcher' }) as const
const begin = (cell: string, more: object = {}): EventInput => ({
  type: 'cell-start',
  ...place(cell),
  code: `code of ${cell}`,
  hidden: false,
  ...more,
})
let seq = 0
const output = (cell: string, text: string): EventInput => ({
  type: 'cell-output',
  ...place(cell),
  kernel: { generation: 1, seq: (seq += 1) },
  output: { output_type: 'stream', name: 'stdout', text },
})
const end = (cell: string, durationMs = 1): EventInput => ({
  type: 'cell-end',
  ...place(cell),
  kernel: { generation: 1, seq: (seq += 1) },
  status: 'ok',
  executionCount: 1,
  durationMs,
})
const runEnd: EventInput = { type: 'run-end', by: 'system', status: 'completed', durationMs: 1 }
const left: EventInput = { type: 'session-detach', by: 'system', session: 's1', sandbox: 'sb-1', cells: ['c2'] }
const taken: EventInput = {
  type: 'session-start',
  by: 'system',
  session: 's1',
  sandbox: 'sb-1',
  kind: 'notebook',
  toolsVersion: 't',
  libraries: [],
  models: [],
  attached: { run: 'earlier' },
}
const notebook = (events: EventInput[]) => fold(notebookFold, stampAll(events))
const cellText = (events: EventInput[], id: string) =>
  JSON.stringify(notebookOf(notebook(events)).cells.find((cell) => cell.id === id))

test('the run that left it: the cell went on, which is no failure and no unknown end', () => {
  const log = [begin('c1'), end('c1'), begin('c2'), output('c2', 'early\n'), left, runEnd]
  const state = notebook(log)
  expect(state.cells.cells['s1/c2']?.status).toBe('detached')
  const { cells, detached } = runJson(state.summary)
  expect([cells.started, cells.ok, cells.detached, cells.running, detached]).toEqual([
    2,
    1,
    1,
    0,
    [{ session: 's1', cells: ['c2'] }],
  ])
  expect(cellText(log, 'c2')).toContain('went on when its sandbox was let go')
  expect(cellText(log, 'seer-end')).toContain(
    'The session s1 lived on when its sandbox was let go, with c2 still running',
  )
})

test('the run that took it up: the cell is one of it, one that had ended before and prints on is not', () => {
  const log = [
    begin('c2', { begun: { run: 'earlier' } }),
    begin('c1', { begun: { run: 'earlier', status: 'error' } }),
    output('c1', 'late\n'),
    output('c2', 'more\n'),
    end('c2'),
    taken,
    runEnd,
  ]
  const state = notebook(log)
  expect(state.cells.cells['s1/c1']).toMatchObject({ status: 'error', lateMessages: 1, begunIn: 'earlier' })
  expect(state.cells.cells['s1/c2']).toMatchObject({ status: 'ok', lateMessages: 0, begunIn: 'earlier' })
  const { cells, attached } = runJson(state.summary)
  expect([cells.started, cells.ok, cells.failed, cells.running]).toEqual([1, 1, 0, 0])
  expect(attached).toEqual([{ session: 's1', run: 'earlier' }])
  expect(cellText(log, 'c2')).toContain('this cell began in the run earlier')
  expect(cellText(log, 'seer-about')).toContain('goes on with the session s1 of the run `earlier`')
})

test('both in one run: the cell goes on where it was', () => {
  const run = stampAll([])[0]?.run ?? stampAll([runEnd])[0]!.run
  const log = [
    begin('c2'),
    output('c2', 'early\n'),
    left,
    begin('c2', { begun: { run } }),
    output('c2', 'more\n'),
    end('c2'),
  ]
  const state = notebook(log)
  expect(state.cells.order).toEqual(['s1/c2'])
  expect(state.cells.cells['s1/c2']).toMatchObject({ status: 'ok', begunIn: null, lateMessages: 0 })
  expect(state.summary.cells).toMatchObject({ started: 1, ok: 1, unknown: 0, detached: 0, running: 0 })
  expect(cellText(log, 'c2')).toContain('early\\nmore\\n')
})

test('a cell that has run for longer than the run that took it up is no contradiction', () => {
  const log = (begun: object) => stampAll([begin('c2', begun), end('c2', 3_600_000), runEnd])
  const start = { type: 'run-start', at: stampAll([runEnd])[0]!.at } as never
  const problem = (begun: object) => durationProblem(fold(lifetimeFold, [start, ...log(begun)]))
  expect(problem({ begun: { run: 'earlier' } })).toBeUndefined()
  expect(problem({})).toContain('its cells alone ran for 3600000 ms')
})

test('cells of other sessions run on', () => {
  const other = { ...begin('c2'), session: 's2' } as EventInput
  expect(fold(cellsFold, stampAll([begin('c2'), other, left])).cells).toMatchObject({
    's1/c2': { status: 'detached' },
    's2/c2': { status: 'running' },
  })
})
