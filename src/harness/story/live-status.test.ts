import { expect, test } from 'vitest'
import { stampAll } from '../../../test/generate-log.ts'
import type { EventInput, RunEvent } from '../../run/events.ts'
import { openLiveStatus, statusText, takeStatus } from './live-status.ts'

const by = 'agent:explorer'
const start = (cell: string): EventInput => ({ type: 'cell-start', by, session: 's1', cell, code: '1', hidden: false })
const agent: EventInput = {
  type: 'agent-start',
  by,
  role: 'explorer',
  provider: 'p',
  model: 'm',
  prompt: 'p',
  tools: [],
}
const call: EventInput = { type: 'tool-start', by, call: 'a', name: 'execute_code', input: {} }
const answer: EventInput = {
  type: 'tool-end',
  by,
  call: 'a',
  name: 'execute_code',
  isError: false,
  durationMs: 1,
  content: [],
}
const end = (cell: string): EventInput => ({
  type: 'cell-end',
  by: 'system',
  session: 's1',
  cell,
  status: 'ok',
  executionCount: 1,
  durationMs: 1,
})

/** What is said so many milliseconds after the last of the events. */
function after(ms: number, inputs: EventInput[]): string | undefined {
  const status = openLiveStatus()
  const events = stampAll(inputs) as RunEvent[]
  for (const event of events) takeStatus(status, { ...event, at: events[0]!.at })
  return statusText(status, Date.parse(events[0]!.at) + ms)
}

test.for<[string, EventInput[], string | undefined]>([
  ['a cell that runs', [agent, call, start('c3')], 'c3 running · 12 s'],
  ['cells that wait for it', [agent, start('c3'), start('c4')], 'c3 running · 12 s (c4 after it)'],
  ['a call without a cell', [agent, call], undefined],
  ['the next answer', [agent, call, start('c3'), end('c3'), answer], 'waiting for explorer’s answer · 12 s'],
  ['nothing after the end', [agent, start('c3'), { type: 'agent-end', by, reason: 'finished' }], undefined],
  [
    'nothing of a dead kernel',
    [
      agent,
      call,
      start('c3'),
      { type: 'kernel-dead', by: 'system', reason: 'died', exitCode: 1, signal: null, variablesLost: true },
    ],
    undefined,
  ],
])('%s', ([, inputs, expected]) => expect(after(12_345, inputs)).toBe(expected))

test('an answer that comes soon is not waited for', () => expect(after(1900, [agent])).toBeUndefined())
