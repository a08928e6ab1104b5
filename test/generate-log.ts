/** Valid logs for property tests: sessions, cells, edits, every kind of output, dead kernels, events from the future. */
import * as fc from 'fast-check'
import type { EventInput } from '../src/run/events.ts'
import type { AnyEvent } from '../src/run/fold.ts'
import type { Output } from '../src/notebook/nbformat.ts'

/** An event without its stamps; `unknown` ones have a type that no reader knows. */
type Input = EventInput | { type: 'future-thing'; by: 'system'; anything: number }

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n', '\b', '\x1b[31m', '\x1b[K', '😀', 'é'), maxLength: 60 }),
)
const displayId = fc.option(fc.constantFrom('d1', 'd2', '__proto__'), { nil: undefined })
const sha = fc.constantFrom('a'.repeat(64), 'b'.repeat(64))
const blob = fc.record({
  blob: sha,
  bytes: fc.nat(100_000),
  encoding: fc.constant('text' as const),
  head: text,
  tail: text,
})
const widgetId = fc.constantFrom('m1', 'm2', 'm3', 'constructor', '__proto__')
const data = fc.oneof(
  fc.record({ 'text/plain': fc.oneof(text, blob) }),
  fc.record({ 'image/png': fc.base64String({ maxLength: 40 }), 'text/plain': text }),
  // As it stands in a log, which has no -0.
  fc.record({
    'application/json': fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as never),
    'text/html': text,
  }),
  fc.record({
    'application/vnd.jupyter.widget-view+json': fc.record({ model_id: widgetId, version_major: fc.constant(2) }),
    'text/plain': text,
  }),
)

const output: fc.Arbitrary<Output> = fc.oneof(
  fc.record({
    output_type: fc.constant('stream' as const),
    name: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.oneof(text, blob),
  }),
  fc
    .record({
      output_type: fc.constantFrom('display_data' as const),
      data,
      metadata: fc.constant({}),
      display_id: displayId,
    })
    .map(withoutUndefined),
  fc.record({
    output_type: fc.constant('execute_result' as const),
    data,
    metadata: fc.constant({}),
    execution_count: fc.option(fc.nat(9)),
  }),
  fc.record({
    output_type: fc.constant('error' as const),
    ename: text,
    evalue: text,
    traceback: fc.array(text, { maxLength: 7 }),
  }),
  fc.record({
    output_type: fc.constant('update_display_data' as const),
    data,
    metadata: fc.constant({}),
    display_id: fc.constantFrom('d1', 'd2', '__proto__'),
  }),
  fc.record({ output_type: fc.constant('clear_output' as const), wait: fc.boolean() }),
)

/** One may be inside of others, and of itself. */
const widget = fc.record({
  state: fc.record({
    _model_name: fc.constantFrom('HBoxModel', 'HTMLModel', 'FloatProgressModel', 'ImageModel'),
    children: fc.array(
      widgetId.map((id) => `IPY_MODEL_${id}`),
      { maxLength: 3 },
    ),
    value: fc.oneof(text, blob, fc.integer(), fc.constant(null)),
    max: fc.constant(50),
  }),
  buffers: fc.array(
    fc.record({
      path: fc.constant(['value'] as string[]),
      data: fc.record({ blob: sha, bytes: fc.nat(99), encoding: fc.constant('base64' as const) }),
    }),
    { maxLength: 1 },
  ),
})

const session = fc.constantFrom('s1', 's2')
const cell = fc.constantFrom('c1', 'c2', 'c3', 'c4', '__proto__')
const by = fc.constantFrom('agent:main' as const, 'setup' as const, 'researcher' as const)
const place = { session, cell, by }
const processId = fc.constantFrom('p1', 'p2', '__proto__')
const optionalCell = fc.option(cell, { nil: undefined })

const input: fc.Arbitrary<Input> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('cell-start' as const),
      ...place,
      code: text,
      hidden: fc.boolean(),
      supersedes: optionalCell,
    }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('cell-output' as const), ...place, output }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('widget-update' as const), ...place, model: widgetId, widget }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('cell-end' as const),
      ...place,
      status: fc.constantFrom('ok' as const, 'error' as const, 'aborted' as const, 'died' as const, 'stopped' as const),
      executionCount: fc.option(fc.nat(9)),
      durationMs: fc.nat(1000),
    }),
  },
  fc
    .record({
      type: fc.constant('markdown-add' as const),
      ...place,
      text,
      supersedes: optionalCell,
      after: fc.option(fc.option(cell), { nil: undefined }),
    })
    .map(withoutUndefined),
  fc.record({ type: fc.constant('cell-remove' as const), ...place, from: fc.constant('notebook' as const) }),
  fc.record({ type: fc.constant('cell-move' as const), ...place, after: fc.option(cell) }),
  fc.record({ type: fc.constant('cell-interrupt' as const), ...place, how: fc.constant('signal' as const) }),
  fc.record({
    type: fc.constant('output-lost' as const),
    ...place,
    cell: optionalCell,
    reason: fc.constant('gap' as const),
    messages: fc.nat(9),
    bytes: fc.nat(9),
  }),
  fc.record({
    type: fc.constant('kernel-dead' as const),
    session,
    by: fc.constant('system' as const),
    reason: fc.constantFrom('asked' as const, 'died' as const),
    exitCode: fc.constant(null),
    signal: fc.constant('SIGKILL'),
    variablesLost: fc.constant(true as const),
  }),
  fc.record({
    type: fc.constant('result-record' as const),
    ...place,
    table: fc.constantFrom('trials', '../x'),
    row: fc.dictionary(fc.string(), fc.integer()),
  }),
  fc.record({
    type: fc.constant('finding-submit' as const),
    by: fc.constantFrom('agent:main' as const, 'agent:auditor' as const),
    finding: fc.record({ claim: text, confidence: fc.constant(0.5), cells: fc.array(cell, { maxLength: 2 }) }),
  }),
  fc.record({
    type: fc.constant('agent-usage' as const),
    by,
    model: text,
    inputTokens: fc.nat(9),
    outputTokens: fc.nat(9),
    cacheReadTokens: fc.nat(9),
    cacheWriteTokens: fc.nat(9),
  }),
  fc.record({
    type: fc.constant('agent-message' as const),
    by: fc.constantFrom('agent:main' as const, 'agent:other' as const, 'researcher' as const),
    agent: fc.constant('main'),
    role: fc.constantFrom('assistant' as const, 'user' as const),
    text,
  }),
  fc.record({ type: fc.constant('notice-add' as const), by, level: fc.constant('warning' as const), code: text, text }),
  fc.record({
    type: fc.constant('run-end' as const),
    by,
    status: fc.constantFrom('completed' as const, 'crashed' as const),
    durationMs: fc.nat(9),
  }),
  fc.record({
    type: fc.constant('process-start' as const),
    by,
    process: processId,
    argv: fc.array(text, { maxLength: 3 }),
    cwd: text,
    purpose: fc.oneof(fc.constantFrom('exec', 'spawn', 'execPython'), text),
    input: fc.option(text, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('process-end' as const),
    by,
    process: processId,
    exitCode: fc.option(fc.nat(3)),
    signal: fc.option(text),
    because: fc.option(text, { nil: undefined }),
    durationMs: fc.nat(1000),
    stdout: text,
    stderr: text,
    omittedBytes: fc.nat(9),
  }),
  fc.record({
    type: fc.constant('network-connect' as const),
    by: fc.constant('system' as const),
    host: text,
    port: fc.nat(65_535),
    allowed: fc.boolean(),
    because: fc.option(text, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('snapshot-save' as const),
    by: fc.constant('system' as const),
    snapshot: text,
    name: text,
    files: fc.nat(9),
    bytes: fc.nat(9),
  }),
  fc.record({ type: fc.constant('future-thing' as const), by: fc.constant('system' as const), anything: fc.nat() }),
)

const start: EventInput = {
  type: 'run-start',
  by: 'system',
  logVersion: 1,
  seer: '0.0.0',
  experiment: 'generated',
  profile: null,
  params: {},
  backend: 'local',
  confinement: 'none',
  provider: 'script',
  seed: 0,
}

/** Stamps inputs as the writer does. */
export function stampAll(inputs: readonly Input[]): AnyEvent[] {
  const at = (index: number) => new Date(Date.UTC(2026, 0, 1) + index * 10).toISOString()
  return inputs.map(
    (event, index) => withoutUndefined({ ...event, seq: index + 1, at: at(index), run: 'generated-run' }) as AnyEvent,
  )
}

export const logs: fc.Arbitrary<AnyEvent[]> = fc
  .array(input, { maxLength: 60 })
  .map((inputs) => stampAll([start, ...inputs]))

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T
}
