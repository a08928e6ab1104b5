import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bySchema, eventPayloads, knownEvents, parseEvent, type EventType, type UnknownEvent } from './events.ts'

const SHA = 'a'.repeat(64)
const compute = { python: '3.11', torch: null, isa: 'AVX2', threads: null, device: 'cpu' }
const payloads: { [T in EventType]: object } = {
  'run-start': {
    logVersion: 1,
    seer: '1',
    experiment: 'e',
    profile: null,
    params: { n: [1, null] },
    backend: 'local',
    confinement: 'none',
    provider: 'p',
    seed: 0,
  },
  'run-end': { status: 'failed', durationMs: 1.5, error: { code: 'c', message: 'm', hint: 'h' } },
  'run-steer': { action: 'interrupt', from: 'page' },
  'sandbox-start': {
    backend: 'local',
    confinement: 'none',
    environment: 'e',
    workspacePath: '/w',
    attach: { id: 'sb' },
  },
  'sandbox-end': { reason: 'terminated' },
  'network-connect': { host: 'example.org', port: 443, allowed: false, because: 'b' },
  'process-start': { process: 'p-1', argv: ['/bin/sh', '-c', 'true'], cwd: '.', purpose: 'exec' },
  'process-end': {
    process: 'p-1',
    exitCode: null,
    signal: 'SIGTERM',
    because: 'b',
    durationMs: 1.5,
    stdout: 'o',
    stderr: 'e',
    omittedBytes: 3,
  },
  'snapshot-save': { snapshot: 's-1', name: 'n', files: 2, bytes: 10 },
  'session-start': {
    kind: 'notebook',
    toolsVersion: 'v',
    libraries: [{ name: 'l', sha256: SHA }],
    models: [{ name: 'm', varName: 'model', weightsSha256: SHA, quantisation: 'none' }],
  },
  'session-detach': { cells: ['c2'] },
  'session-end': { reason: 'terminated' },
  'interface-start': {
    interface: 'model_tools',
    file: 'interface.py',
    sha256: SHA,
    functions: ['f(x: int) -> int'],
    models: [{ name: 'm', varName: 'model', weightsSha256: SHA, quantisation: 'none' }],
  },
  'interface-output': { interface: 'model_tools', stream: 'stderr', text: 'x' },
  'interface-end': { interface: 'model_tools', reason: 'exit code 1' },
  'call-start': {
    call: 'f1',
    interface: 'model_tools',
    function: 'f',
    from: 'library',
    args: { text: '{"x":1}', bytes: 7, sha256: SHA, buffers: [{ bytes: 4, sha256: SHA }] },
  },
  'call-end': {
    call: 'f1',
    interface: 'model_tools',
    function: 'f',
    status: 'error',
    durationMs: 1.5,
    result: { text: '1', bytes: 1 },
    error: { kind: 'raised', message: 'm', traceback: 't' },
  },
  'kernel-start': { pid: 1 },
  'kernel-dead': { reason: 'died', exitCode: null, signal: 'SIGKILL', variablesLost: true },
  'compute-report': compute,
  'agent-start': {
    role: 'a',
    provider: 'p',
    model: 'm',
    prompt: 'p',
    tools: ['t'],
    recorded: { provider: 'p', model: 'm', at: '2026', knewTruth: null },
  },
  'agent-message': { role: 'assistant', text: 't', thinking: 'x' },
  'agent-usage': { model: 'm', inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4 },
  'agent-retry': { reason: 'r', delayMs: 1, attempt: 1 },
  'agent-end': { reason: 'limit', detail: 'd' },
  'tool-start': { call: 'c', name: 'n', input: { a: [1, 'x', null, true] } },
  'tool-end': {
    call: 'c',
    name: 'n',
    isError: false,
    durationMs: 1,
    content: [
      { type: 'text', text: 't' },
      { type: 'image', mediaType: 'image/png', sha256: SHA, bytes: 3 },
    ],
    structured: { ok: true },
  },
  'cell-start': { code: '1', supersedes: 'c1', replays: 'c0', after: 'c2', hidden: false },
  'cell-output': { output: { output_type: 'stream', name: 'stdout', text: 'x' } },
  'widget-update': { model: 'm1', widget: { state: { value: 1 }, buffers: [] } },
  'cell-end': { status: 'aborted', executionCount: null, durationMs: 0 },
  'cell-interrupt': { how: 'signal' },
  'output-lost': { reason: 'gap', messages: 1, bytes: 0 },
  'markdown-add': { text: 't', supersedes: 'c1', after: null },
  'cell-remove': { from: 'notebook' },
  'cell-move': { after: 'c2' },
  'result-record': { table: 't', row: { x: 1 } },
  'result-save': { name: 'n', file: 'f', kind: 'json', sha256: SHA, bytes: 1 },
  'artifact-save': { name: 'n', sha256: SHA, bytes: 1, mediaType: 'text/plain' },
  'finding-submit': {
    finding: {
      claim: 'c',
      confidence: 0.5,
      cells: ['c1'],
      answer: { n: 1 },
      effect: { value: 1, n: 2, unit: 'x', interval: [0, 2] },
    },
  },
  'drift-report': {
    recorded: compute,
    fresh: compute,
    rtol: 1e-4,
    cells: [{ cell: 'c1', verdict: 'exact', largestRelative: null }],
  },
  'notice-add': { level: 'warning', code: 'c', text: 't' },
}
const envelope = {
  seq: 1,
  at: '2026-11-23T05:00:00.000Z',
  run: 'r',
  by: 'system',
  agent: 'a',
  session: 's1',
  sandbox: 'sb',
  cell: 'c1',
  kernel: { generation: 1, seq: 1 },
}

test.each(Object.entries(payloads))('%s survives the way to disk and back, whole', (type, payload) => {
  const event = { ...envelope, type, ...payload }
  expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual({ kind: 'event', event })
})

test('there is a sample of every type', () => {
  expect(Object.keys(payloads)).toEqual(Object.keys(eventPayloads))
})

test('an unknown type is kept as it is, with fields that nobody knows', () => {
  const event = { ...envelope, type: 'moon-rise', phase: { full: true } }
  expect(parseEvent(event)).toEqual({ kind: 'unknown', event })
  expect(knownEvents([event as UnknownEvent])).toEqual([])
})

test.each([
  ['a wrong payload', { ...envelope, type: 'kernel-start', pid: 'one' }, /kernel-start.*pid/s],
  [
    'variables that are said to live',
    { ...envelope, type: 'kernel-dead', ...payloads['kernel-dead'], variablesLost: false },
    /variablesLost/,
  ],
  ['no number', { ...envelope, seq: undefined, type: 'kernel-start', pid: 1 }, /seq/],
  ['the number 0', { ...envelope, seq: 0, type: 'kernel-start', pid: 1 }, /seq/],
  ['local time', { ...envelope, at: '2026-11-23T05:00:00+01:00', type: 'kernel-start', pid: 1 }, /at/],
  ['an unknown type without a run', { ...envelope, run: undefined, type: 'moon-rise' }, /run/],
])('%s is invalid, and it is said why', (_, value, why) => {
  expect(parseEvent(value)).toEqual({ kind: 'invalid', why: expect.stringMatching(why) as string })
})

test.each([
  ['agent:judge-2', true],
  ['researcher', true],
  ['agent:', false],
  ['agent:Judge', false],
  ['agent:-x', false],
  ['xagent:judge', false],
  ['agent:judge\n', false],
])('by %j: %s', (by, ok) => {
  expect(bySchema.safeParse(by).success).toBe(ok)
})

test('whatever stands in a log, reading it does not throw', () => {
  const type = fc.constantFrom(...Object.keys(eventPayloads), 'moon-rise', '__proto__', 'constructor', '')
  const near = fc.record({ ...fcEnvelope(), type }).chain((base) => fc.object().map((extra) => ({ ...extra, ...base })))
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.jsonValue(), near), (value) => {
      expect(['event', 'unknown', 'invalid']).toContain(parseEvent(value).kind)
    }),
  )
})

test('JSON nested beyond the stack is invalid and does not throw', () => {
  const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as unknown
  expect(parseEvent({ ...envelope, type: 'tool-start', call: 'c', name: 'n', input: deep })).toMatchObject({
    kind: 'invalid',
  })
})

function fcEnvelope() {
  return {
    seq: fc.integer({ min: -1 }),
    at: fc.constant(envelope.at),
    run: fc.string(),
    by: fc.constantFrom('system', 'agent:x', 'nobody'),
  }
}
