import { expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput } from '../run/events.ts'
import { fold } from '../run/fold.ts'
import { runFold } from './run-state.ts'

const by = 'agent:main' as const
const cell = (id: string, supersedes?: string): EventInput => ({
  type: 'cell-start',
  by,
  session: 's1',
  cell: id,
  code: id,
  hidden: false,
  ...(supersedes !== undefined && { supersedes }),
})
const say = (text: string): EventInput => ({ type: 'agent-message', by, role: 'assistant', text })

function told(...events: EventInput[]) {
  const { timeline } = fold(runFold, stampAll(events))
  return timeline.entries.map((entry) => (entry.kind === 'cell' || entry.kind === 'call' ? entry.key : entry.kind))
}

test('an edited cell stands where it was run, and not where the old one is', () => {
  expect(told(cell('c1'), say('x'), cell('c2'), cell('c3', 'c1'))).toEqual(['s1/c1', 'words', 's1/c2', 's1/c3'])
})

test('a cell whose start is missing stands where its output came', () => {
  const output: EventInput = {
    type: 'cell-output',
    by,
    session: 's1',
    cell: 'c9',
    output: { output_type: 'stream', name: 'stdout', text: 'x' },
  }
  expect(told(say('x'), output, output)).toEqual(['words', 's1/c9'])
})

test('a call stands where it was known to be worth telling, and once', () => {
  const start = (call: string, name: string): EventInput => ({ type: 'tool-start', by, call, name, input: {} })
  const end = (call: string, name: string, isError: boolean): EventInput => {
    return { type: 'tool-end', by, call, name, isError, durationMs: 1, content: [] }
  }
  expect(told(start('a', 'read_output'), say('x'), end('a', 'read_output', false))).toEqual(['1', 'words'])
  expect(told(start('a', 'edit_cell'), say('x'), end('a', 'edit_cell', true))).toEqual(['words', '1'])
  expect(told(start('a', 'execute_code'), cell('c1'), end('a', 'execute_code', false))).toEqual(['s1/c1'])
})

test('a message without words and reasoning is no entry; reasoning alone is one', () => {
  expect(told(say('  '))).toEqual([])
  expect(told({ type: 'agent-message', by, role: 'assistant', text: '', thinking: 'hm' })).toEqual(['words'])
})

test('a process is one entry, from its start to its end; the end of a run leaves what has none', () => {
  const start = (process: string): EventInput => {
    return { type: 'process-start', by: 'setup', process, argv: ['ls', 'a b'], cwd: '.', purpose: 'exec' }
  }
  const more = { signal: null, durationMs: 5, stdout: 'o', stderr: '', omittedBytes: 0 }
  const end: EventInput = { type: 'process-end', by: 'setup', process: 'p1', exitCode: 0, ...more }
  const stray: EventInput = { ...end, process: '__proto__' }
  const runEnd: EventInput = { type: 'run-end', by: 'system', status: 'completed', durationMs: 1 }
  const entries = (...events: EventInput[]) => fold(runFold, stampAll(events)).timeline.entries
  expect(entries(start('p1'), start('__proto__'), end)).toMatchObject([
    { kind: 'process', command: "$ ls 'a b'", end: { exitCode: 0, stdout: 'o' } },
    { kind: 'process', end: null },
  ])
  expect(entries(start('p1'), runEnd, end)).toMatchObject([{ kind: 'process', end: 'unknown' }, { kind: 'end' }])
  expect(entries(stray)).toEqual([])
})
