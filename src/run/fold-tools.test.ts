import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { logs, stampAll } from '../../test/generate-log.ts'
import type { EventInput } from './events.ts'
import { toolsFold } from './fold-tools.ts'
import { fold } from './fold.ts'

const by = 'agent:main' as const

function start(call: string, name: string, input = 'x'): EventInput {
  return { type: 'tool-start', by, call, name, input: { code: input } }
}

function end(
  call: string,
  name: string,
  more: { isError?: boolean; structured?: Record<string, string> } = {},
): EventInput {
  const content = [{ type: 'text' as const, text: `end of ${call}` }]
  return { type: 'tool-end', by, call, name, isError: false, durationMs: 5, content, ...more }
}

function told(...events: EventInput[]) {
  const { order, calls } = fold(toolsFold, stampAll(events))
  return order.map((key) => calls[key]!)
}

test('a call is told from its start on, with its input and what came of it', () => {
  expect(told(start('a', 'read_output'))).toMatchObject([
    { name: 'read_output', status: 'running', input: { code: 'x' } },
  ])
  const [call] = told(start('a', 'read_output'), end('a', 'read_output'))
  expect(call).toMatchObject({ seq: 1, status: 'ok', durationMs: 5, content: [{ text: 'end of a' }] })
})

test('a call that other events tell is told only when it was refused or left behind', () => {
  expect(told(start('a', 'execute_code'), end('a', 'execute_code'))).toEqual([])
  expect(told(start('a', 'execute_code'))).toEqual([])
  const refused = { isError: true, structured: { error: 'invalid-input' } }
  expect(told(start('a', 'edit_cell'), end('a', 'edit_cell', refused))).toMatchObject([{ status: 'refused' }])
  const interrupted = { isError: true, structured: { error: 'interrupted' } }
  expect(told(start('a', 'execute_code'), end('a', 'execute_code', interrupted))).toMatchObject([
    { status: 'interrupted' },
  ])
  const left = { structured: { status: 'running' } }
  expect(told(start('a', 'execute_code'), end('a', 'execute_code', left))).toMatchObject([{ status: 'left' }])
})

test('the same id from two agents is two calls, and a second use of an id is a second call', () => {
  const other: EventInput = { ...start('a', 'list_files'), by: 'agent:other' }
  expect(told(start('a', 'read_output'), other, end('a', 'read_output'))).toMatchObject([
    { name: 'read_output', status: 'ok' },
    { name: 'list_files', status: 'running' },
  ])
  const again = told(start('a', 'x'), end('a', 'x'), start('a', 'x'))
  expect(again.map(({ status }) => status)).toEqual(['ok', 'running'])
})

test('an end without a start is told, and a start without an end is unknown once the run has ended', () => {
  expect(told(end('a', 'x'))).toMatchObject([{ name: 'x', input: null, status: 'ok' }])
  const runEnd: EventInput = { type: 'run-end', by: 'system', status: 'completed', durationMs: 1 }
  expect(told(start('a', 'x'), runEnd)).toMatchObject([{ status: 'unknown' }])
})

test('its state goes through JSON at any place', () => {
  const calls = [
    start('a', 'x'),
    start('b', 'execute_code'),
    end('a', 'x'),
    end('b', 'execute_code', { isError: true }),
  ]
  const events = stampAll(calls)
  for (let at = 0; at <= events.length; at++) {
    const half = JSON.parse(JSON.stringify(fold(toolsFold, events.slice(0, at)))) as ReturnType<
      typeof toolsFold.initial
    >
    expect(fold(toolsFold, events.slice(at), half)).toEqual(fold(toolsFold, events))
  }
  fc.assert(fc.property(logs, (log) => void fold(toolsFold, log)))
})
