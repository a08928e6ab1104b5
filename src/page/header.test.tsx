import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'
import { summaryFold, type Summary } from '../run/fold-summary.ts'
import { RunHeader } from './header.tsx'
import { shownStatus } from './status.tsx'

const draw = (summary: Partial<Summary>, nowMs?: number) =>
  renderToString(
    <RunHeader
      summary={{ ...summaryFold.initial(), startedAt: '2026-01-01T00:00:00.000Z', ...summary }}
      status="running"
      nowMs={nowMs}
    />,
  )

test('a played recording and a sandbox without walls are never left unsaid', () => {
  const answeredBy = { provider: 'p', model: 'm', at: '2026-01-01', knewTruth: null }
  expect(draw({ recorded: [answeredBy], confinement: 'none' })).toMatch(/recorded agent.*not confined/s)
  const live = draw({ agents: [{ name: 'agent:a', provider: 'p', model: 'm' }], confinement: 'bwrap' })
  expect(live).toMatch(/live agent.*confined: bwrap/s)
})

test('cost against the budget, and what is not known is said to be so', () => {
  expect(draw({ costUsd: 1.25, budgetUsd: 5 })).toMatch(
    /1\.25 USD <span class="quiet">of 5\.00 USD<\/span>.*value="0\.25"/s,
  )
  expect(draw({ costUsd: null, budgetUsd: 5 })).toContain('unknown')
  expect(draw({ costUsd: 4.5, budgetUsd: 5 })).toContain('nearly-spent')
})

test('time goes on while a run does', () => {
  expect(draw({ durationMs: 5000 }, Date.parse('2026-01-01T00:02:05.000Z'))).toContain('2 min 5 s')
})

test('a run without an end is running, still being read, or crashed', () => {
  expect(shownStatus('running', true, false)).toBe('running')
  expect(shownStatus('running', false, false)).toBe('loading')
  expect(shownStatus('running', false, true)).toBe('crashed')
  expect(shownStatus('failed', false, true)).toBe('failed')
})
