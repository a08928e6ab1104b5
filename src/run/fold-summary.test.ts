import { expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput, EventOf } from './events.ts'
import { findingsFold } from './fold-findings.ts'
import { summaryFold } from './fold-summary.ts'
import { fold } from './fold.ts'
import { RECOVERY_NOTICE } from './lifetime.ts'
import { runJson } from './run-json.ts'

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
const end = (cell: string, status: EventOf<'cell-end'>['status'] = 'ok'): EventInput => ({
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
    interrupted: 0,
    stopped: 0,
    unknown: 0,
    running: 1,
    superseded: 1,
    hidden: 1,
    markdown: 0,
  })
  expect(after(...events, end('c2')).cells).toMatchObject({ ok: 1, running: 1 })
})

const interrupt = (cell: string): EventInput => ({ type: 'cell-interrupt', by, session: 's', cell, how: 'message' })
const raised = (cell: string, ename: string): EventInput => ({
  type: 'cell-output',
  by,
  session: 's',
  cell,
  output: { output_type: 'error', ename, evalue: '', traceback: [] },
})

test.each<[string, EventInput[], string]>([
  ['interrupted', [interrupt('c1'), raised('c1', 'KeyboardInterrupt'), end('c1', 'error')], 'interrupted'],
  ['one that raises KeyboardInterrupt by itself', [raised('c1', 'KeyboardInterrupt'), end('c1', 'error')], 'failed'],
  ['one that raised it before', [raised('c1', 'KeyboardInterrupt'), interrupt('c1'), end('c1', 'error')], 'failed'],
  ['interrupted, and failed with something else', [interrupt('c1'), raised('c1', 'E'), end('c1', 'error')], 'failed'],
  ['interrupted, and went on to its end', [interrupt('c1'), raised('c1', 'KeyboardInterrupt'), end('c1')], 'ok'],
  ['another was interrupted', [interrupt('c2'), raised('c1', 'KeyboardInterrupt'), end('c1', 'error')], 'failed'],
  ['its kernel was ended by Seer', [end('c1', 'stopped')], 'stopped'],
  ['its kernel died', [end('c1', 'died')], 'failed'],
  ['the run ended before it', [{ type: 'run-end', by: 'system', status: 'crashed', durationMs: 1 }], 'unknown'],
])('a cell is counted once: %s', (_, events, counted) => {
  const { cells } = after(begin('c1'), ...events)
  const { ok, failed, interrupted, stopped, unknown, running } = cells
  expect({ ok, failed, interrupted, stopped, unknown, running }).toEqual({
    ok: 0,
    failed: 0,
    interrupted: 0,
    stopped: 0,
    unknown: 0,
    running: 0,
    [counted]: 1,
  })
})

test('a crashed run ended when it was last heard of', () => {
  const recovery: EventInput = { type: 'notice-add', by: 'system', level: 'warning', code: RECOVERY_NOTICE, text: '' }
  const crashed = [begin('c1'), recovery, end('c1')]
  const { at } = stampAll([start, begin('c1')])[1]!
  const crash: EventInput = { type: 'run-end', by: 'system', status: 'crashed', durationMs: 10 }
  expect(after(...crashed)).toMatchObject({ status: 'running', durationMs: 10 })
  expect(after(...crashed, crash)).toMatchObject({ status: 'crashed', endedAt: at, durationMs: 10 })
})

test('run.json says what was run on what, with the same keys while it runs and after', () => {
  const sha = 'a'.repeat(64)
  const session: EventInput = {
    type: 'session-start',
    by: 'system',
    session: 's',
    kind: 'notebook',
    toolsVersion: 'f00d',
    libraries: [{ name: 'lamps', sha256: sha }],
    skills: [{ name: 'reading', sha256: sha }],
    models: [{ name: 'm', varName: 'model', weightsSha256: sha, quantisation: 'none' }],
  }
  const sandbox: EventInput = {
    type: 'sandbox-start',
    by: 'system',
    backend: 'local',
    confinement: 'none',
    environment: 'env1',
    workspacePath: '/w',
    attach: { python: '/py' },
  }
  const first = after({ ...start, params: { layers: [1, 2] } })
  const running = after({ ...start, params: { layers: [1, 2] } }, sandbox, session)
  const ended = after(sandbox, session, { type: 'run-end', by: 'system', status: 'completed', durationMs: 1 })
  expect(runJson(running)).toMatchObject({
    seer: '0.1.0',
    seed: 3,
    params: { layers: [1, 2] },
    environment: { id: 'env1', python: '/py' },
    toolsVersion: 'f00d',
    libraries: [{ name: 'lamps', sha256: sha }],
    skills: [{ name: 'reading', sha256: sha }],
    subjects: [{ name: 'm', weightsSha256: sha, quantisation: 'none' }],
  })
  for (const other of [first, ended]) expect(Object.keys(runJson(other))).toEqual(Object.keys(runJson(running)))
  expect(Object.keys(runJson(ended))).not.toContain('open')
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

test('costs add up, and one that is not known makes the sum unknown', () => {
  const paid = (costUsd: number): EventInput => ({ ...usage('m', 1), costUsd }) as EventInput
  expect(after({ ...start, budgetUsd: 5 }, paid(0.5), paid(0.25))).toMatchObject({
    costUsd: 0.75,
    budgetUsd: 5,
  })
  expect(after(start)).toMatchObject({ costUsd: 0, budgetUsd: null })
  expect(after(start, paid(0.5), usage('m', 1), paid(0.5)).costUsd).toBeNull()
})

test('how agents ended is kept', () => {
  const limited: EventInput = { type: 'agent-end', by, reason: 'limit', detail: '2 turns' }
  expect(after(start, limited).ends).toEqual([{ agent: by, reason: 'limit', detail: '2 turns' }])
})
