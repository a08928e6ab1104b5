import { expect, test } from 'vitest'
import type { RunEvent } from '../run/events.ts'
import { formatTimings, timedSteps } from './timings.ts'

const ENTER = Date.parse('2026-11-23T05:00:00.000Z')
let seq = 0
const event = (type: string, atMs: number, more: object = {}) =>
  ({ seq: ++seq, type, at: new Date(ENTER + atMs).toISOString(), by: 'system', run: 'r', ...more }) as RunEvent
const cell = (session: string, id: string) => ({ session, cell: id })

test('the milestones that were reached, in order, of the agent’s first cell and not of another session’s', () => {
  const events = [
    event('run-start', 400),
    event('sandbox-start', 500),
    event('session-start', 600),
    event('kernel-start', 1400),
    event('cell-start', 1450, { ...cell('s1', 'c1'), by: 'setup' }),
    event('cell-end', 3000, cell('s1', 'c1')),
    event('agent-start', 3100),
    event('cell-start', 3600, { ...cell('s1', 'c2'), by: 'agent:x' }),
    event('cell-end', 3700, cell('s2', 'c2')),
    event('cell-end', 4000, cell('s1', 'c2')),
    event('cell-end', 9000, cell('s1', 'c3')),
  ]
  const steps = timedSteps(events, { enteredAt: ENTER, startedAt: ENTER + 250 })
  expect(steps.map(({ at }) => at)).toEqual([250, 400, 500, 600, 1400, 3000, 3100, 3600, 4000])
  expect(formatTimings(steps).split('\n').at(-1)).toBe('     0.40     4.00  its first result')
})

test('a run that ended early shows what there is', () => {
  const steps = timedSteps([event('run-start', 100)], { enteredAt: ENTER, startedAt: ENTER - 5 })
  expect(steps.map(({ at }) => at)).toEqual([0, 100])
})
