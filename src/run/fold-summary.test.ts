import { expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput } from './events.ts'
import { findingsFold } from './fold-findings.ts'
import { summaryFold } from './fold-summary.ts'
import { fold } from './fold.ts'

const by = 'agent:main'
const begin = (cell: string, more: object = {}): EventInput => ({
  type: 'cell-start',
  by,
  session: 's',
  cell,
  code: '',
  hidden: false,
  ...more,
})
const end = (cell: string, status: 'ok' | 'error' = 'ok'): EventInput => ({
  type: 'cell-end',
  by,
  session: 's',
  cell,
  status,
  executionCount: 1,
  durationMs: 1,
})
const usage = (model: string, n: number): EventInput => ({
  type: 'agent-usage',
  by,
  model,
  inputTokens: n,
  outputTokens: n,
  cacheReadTokens: 0,
  cacheWriteTokens: n,
})
const start: EventInput = {
  type: 'run-start',
  by: 'system',
  logVersion: 1,
  seer: '0.1.0',
  experiment: 'e',
  profile: 'p',
  params: {},
  backend: 'local',
  confinement: 'none',
  provider: 'claude',
  seed: 3,
}
const after = (...events: EventInput[]) => fold(summaryFold, stampAll([start, ...events]))

test('cells are counted once, and set-up cells apart', () => {
  const events = [
    begin('c0', { hidden: true }),
    end('c0'),
    begin('c1'),
    end('c1', 'error'),
    begin('c2', { supersedes: 'c1' }),
    end('c2'),
    begin('c3'),
  ]
  expect(after(...events).cells).toEqual({
    started: 3,
    ok: 1,
    failed: 1,
    running: 1,
    superseded: 1,
    hidden: 1,
    markdown: 0,
  })
  expect(after(...events, end('c2')).cells).toMatchObject({ ok: 1, running: 1 })
})

test('a run is running until it has ended', () => {
  expect(after(begin('c1'))).toMatchObject({ status: 'running', durationMs: 10, run: 'generated-run', endedAt: null })
  const error = { code: 'x', message: 'why' }
  expect(after({ type: 'run-end', by: 'system', status: 'failed', durationMs: 99, error })).toMatchObject({
    status: 'failed',
    durationMs: 99,
    error,
  })
})

test('tokens are added up, and models named once', () => {
  const { usage: sum, models } = after(usage('m1', 5), usage('m2', 1), usage('m1', 2))
  expect(sum).toEqual({ inputTokens: 8, outputTokens: 8, cacheReadTokens: 0, cacheWriteTokens: 8 })
  expect(models).toEqual(['m1', 'm2'])
})

test('a kernel that was asked to end has not died', () => {
  const dead = (reason: 'asked' | 'died'): EventInput => ({
    type: 'kernel-dead',
    by: 'system',
    reason,
    exitCode: 0,
    signal: null,
    variablesLost: true,
  })
  expect(after({ type: 'kernel-start', by: 'system', pid: 1 }, dead('asked'), dead('died')).kernels).toEqual({
    started: 1,
    died: 1,
  })
})

test('the first finding of an agent counts, and every one is a claim', () => {
  const submit = (claim: string, who: 'agent:main' | 'agent:other'): EventInput => ({
    type: 'finding-submit',
    by: who,
    finding: { claim, confidence: 1, cells: [] },
  })
  const { findings } = fold(
    findingsFold,
    stampAll([submit('a', 'agent:main'), submit('b', 'agent:main'), submit('c', 'agent:other')]),
  )
  expect(findings.map(({ finding, counted, standing }) => [finding.claim, counted, standing])).toEqual([
    ['a', true, 'claim'],
    ['b', false, 'claim'],
    ['c', true, 'claim'],
  ])
})
