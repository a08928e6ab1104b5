import { expect, test } from 'vitest'
import type { AnyEvent } from './fold.ts'
import { fold } from './fold.ts'
import { durationProblem, lifetimeFold, lifetimeMs, RECOVERY_NOTICE } from './lifetime.ts'

const at = (ms: number) => ({ at: new Date(Date.UTC(2026, 0, 1) + ms).toISOString(), seq: 1, run: 'r' })
const start = { type: 'run-start', by: 'system', ...at(0) }
const cell = (ms: number, durationMs: number, session = 's1') => ({
  type: 'cell-end',
  by: 'system',
  session,
  durationMs,
  ...at(ms),
})
const recovery = (ms: number, by = 'system') => ({ type: 'notice-add', by, code: RECOVERY_NOTICE, ...at(ms) })
const end = (ms: number, durationMs: number) => ({ type: 'run-end', by: 'system', durationMs, ...at(ms) })
const after = (events: object[]) => fold(lifetimeFold, [start, ...events] as AnyEvent[])

test.each<[string, object[], RegExp]>([
  ['a run', [cell(9000, 8000), end(10_000, 10_000)], /^fine$/],
  ['a second of slack', [end(10_000, 11_000)], /^fine$/],
  ['longer than its events span', [end(10_000, 11_001)], /took 11001 ms; its events span 10000 ms/],
  [
    'shorter than its cells',
    [cell(5000, 4000), cell(9000, 3001), end(10_000, 6000)],
    /took 6000 ms; its cells alone ran for 7001 ms/,
  ],
  ['cells of two sessions, which run at once', [cell(9000, 8000), cell(9000, 8000, 's2'), end(10_000, 9000)], /^fine$/],
  [
    'a crash that says the time of its recovery',
    [cell(3000, 2000), recovery(90_000), end(91_000, 91_000)],
    /events span 3000 ms/,
  ],
  [
    'a crash that says how long the recovery took',
    [cell(3000, 2500), recovery(90_000), end(91_000, 12)],
    /cells alone ran for 2500/,
  ],
  ['a crash', [cell(3000, 2500), recovery(90_000), cell(90_001, 60_000), end(91_000, 3000)], /^fine$/],
  ['a recovery that an agent claims', [recovery(1000, 'agent:x'), end(10_000, 10_000)], /^fine$/],
  ['a run that goes on', [cell(3000, 90_000)], /^fine$/],
])('%s', (_, events, problem) => {
  expect(durationProblem(after(events)) ?? 'fine').toMatch(problem)
})

test('a life ends with the last event before the recovery', () => {
  expect(lifetimeMs(after([cell(3000, 1), recovery(9000), recovery(10_000), end(11_000, 1)]))).toBe(3000)
  expect(lifetimeMs(lifetimeFold.initial())).toBe(0)
})
