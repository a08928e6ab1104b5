import { assert, boolean, constantFrom, property } from 'fast-check'
import { expect, test } from 'vitest'
import { logs, stampAll } from '../../../test/generate-log.ts'
import type { EventInput } from '../../run/events.ts'
import { stripAnsi } from '../../notebook/terminal-text.ts'
import { recordedText } from './agent-story.ts'
import { widthOf } from './columns.ts'
import { lookOf } from './look.ts'
import { openStory } from './state.ts'
import { storyLines } from './story.ts'

type StoryEvents = ReturnType<typeof stampAll>

function tell(events: StoryEvents, columns = 60, options: { color?: boolean; framed?: boolean } = {}): string[] {
  const { color = false, framed = false } = options
  const state = openStory(lookOf({ columns }, { color }), { framed })
  return events.flatMap((event) => storyLines(state, event))
}
const tellInputs = (inputs: EventInput[], columns?: number) => tell(stampAll(inputs), columns)

const place = { session: 's1', cell: 'c3', by: 'agent:explorer' } as const
const start = (code: string, more: { supersedes?: string; hidden?: boolean } = {}): EventInput => ({
  type: 'cell-start',
  ...place,
  code,
  hidden: false,
  ...more,
})
const out = (text: string): EventInput => ({
  type: 'cell-output',
  ...place,
  output: { output_type: 'stream', name: 'stdout', text },
})
const end = (status: 'ok' | 'error' | 'died' = 'ok'): EventInput => ({
  type: 'cell-end',
  ...place,
  by: 'system',
  status,
  executionCount: 1,
  durationMs: 412,
})
const agent: EventInput = {
  type: 'agent-start',
  by: 'agent:explorer',
  role: 'explorer',
  provider: 'claude',
  model: 'm',
  prompt: 'p',
  tools: [],
}
const says = (text: string, thinking?: string): EventInput => ({
  type: 'agent-message',
  by: 'agent:explorer',
  role: 'assistant',
  text,
  ...(thinking === undefined ? {} : { thinking }),
})
const after = (inputs: EventInput[], columns?: number) => tellInputs([agent, ...inputs], columns).slice(2)

test('a cell: its code, its output, how it ended', () => {
  expect(after([start('x = 1\nprint(x)'), out('1\n'), end()])).toEqual([
    'c3 ▸ x = 1',
    '   ▸ print(x)',
    '   │ 1',
    '   └ ok · 0.4 s',
  ])
})

test('long code is shortened, with a count', () => {
  const lines = after([start(Array.from({ length: 50 }, (_, i) => `line_${i}`).join('\n')), end('error')])
  expect(lines.slice(-3)).toEqual([
    '   ⋮ 36 more lines of code:',
    '     seer show generated-run --cell c3',
    '   └ error · 0.4 s',
  ])
})

test('a cell of the set-up is silent unless it fails; an edit says what it replaces', () => {
  const setUp = [start('import seer', { hidden: true }), out('loaded\n')]
  expect(after([...setUp, end()])).toEqual(['c3 · set-up by Seer, not shown to the agent', '   └ ok · 0.4 s'])
  expect(after([...setUp, end('error')])).toContain('   │ loaded')
  expect(after([start('1', { supersedes: 'c1' })])).toEqual(['c3 · replaces c1', '   ▸ 1'])
})

test('output that comes between other events names its cell again', () => {
  const lines = after([start('run()'), says('I wait.'), out('late\n'), end(), out('later\n')])
  expect(lines).toEqual([
    'c3 ▸ run()',
    '',
    'explorer',
    '│ I wait.',
    '',
    'c3 · goes on',
    '   │ late',
    '   └ ok · 0.4 s',
    '   │ later',
  ])
})

test('the same cell id in two sessions is two cells', () => {
  const lines = after([
    start('one'),
    { ...start('two'), session: 's2' },
    { ...out('of two\n'), session: 's2' },
    out('of one\n'),
  ])
  expect(lines).toEqual(['c3 ▸ one', '', 'c3 ▸ two', '   │ of two', '', 'c3 · goes on', '   │ of one'])
})

test('rows and saved values are told with the cell', () => {
  const row: EventInput = { type: 'result-record', ...place, table: 'answers', row: {} }
  const save: EventInput = {
    type: 'result-save',
    ...place,
    name: 'v',
    file: 'v.safetensors',
    kind: 'tensor',
    sha256: 'a'.repeat(64),
    bytes: 2300,
  }
  expect(after([start('x'), row, row, save, end()])).toEqual([
    'c3 ▸ x',
    '   ├ saved v → results/v.safetensors · tensor, 2.3 kB',
    '   └ ok · 0.4 s · 2 rows → answers',
  ])
})

test('a tool call is one line, unless its events tell it already; a refused one says why', () => {
  const call = (name: string, isError: boolean, text: string, structured: object = {}): EventInput[] => [
    { type: 'tool-start', by: 'agent:explorer', call: name, name, input: { cell: 'c3', seconds: 5 } },
    {
      type: 'tool-end',
      by: 'agent:explorer',
      call: name,
      name,
      isError,
      durationMs: 5000,
      content: [{ type: 'text', text }],
      structured: structured as never,
    },
  ]
  expect(after(call('wait_cell', false, '[c3] ok.\n42'), 80)).toEqual([
    '· wait_cell(cell=c3, seconds=5) → [c3] ok. 42 · 5.0 s',
  ])
  expect(after(call('execute_code', false, '[c3] ok.'))).toEqual([])
  expect(after(call('execute_code', false, '[c3] is still running.', { status: 'running' }))).toEqual([
    '· execute_code → [c3] is still running. · 5.0 s',
  ])
  expect(after(call('execute_code', true, 'The input is not valid:\n✖ code'))).toEqual([
    '! execute_code was refused:',
    '  │ The input is not valid:',
    '  │ ✖ code',
  ])
})

test('a recording is named as one; who wrote its words stands before the story', () => {
  const recorded = { provider: 'claude', model: 'a-model', at: '2026-11-20T10:00:00.000Z' }
  expect(tellInputs([{ ...agent, recorded: { ...recorded, knewTruth: false } }])[0]).toMatch(/^explorer · recorded · /)
  const fresh = 'Its code runs now, so the numbers are fresh.'
  for (const [knewTruth, saw] of [
    [true, 'it had seen the answer'],
    [false, 'it had not seen the answer'],
    [null, 'not known whether it had seen the answer'],
  ] as const) {
    expect(recordedText({ ...recorded, knewTruth })).toBe(`RECORDED on 2026-11-20 — claude/a-model; ${saw}. ${fresh}`)
  }
  expect(recordedText({ ...recorded, knewTruth: null, note: 'a person' })).toContain('— a person; ')
})

test('a long line of code goes on behind another mark than a new one', () => {
  const lines = after([start(`print("${'word '.repeat(14)}")\nx = 1`)], 40)
  expect(lines.map((line) => line.slice(0, 5))).toEqual(['c3 ▸ ', '   ⋅ ', '   ⋅ ', '   ▸ '])
})

test('what was told first is one dim line; what is said later names who says it', () => {
  const told = (text: string, by: 'system' | 'researcher'): EventInput => ({
    type: 'agent-message',
    by,
    agent: 'explorer',
    role: 'user',
    text,
  })
  expect(tellInputs([agent, told('Begin.', 'system'), told('Now the other.', 'researcher')]).slice(1)).toEqual([
    'first message: Begin.',
    '',
    'you to explorer',
    '│ Now the other.',
  ])
})

test('an interrupt is told with its cell, by whom; the call that waited was interrupted, not refused', () => {
  const interrupt = (by: 'system' | 'agent:explorer'): EventInput => ({
    type: 'cell-interrupt',
    ...place,
    by,
    how: 'message',
  })
  const stopped: EventInput = {
    type: 'tool-end',
    by: 'agent:explorer',
    call: 'a',
    name: 'execute_code',
    isError: true,
    durationMs: 5000,
    content: [{ type: 'text', text: 'The call was interrupted before it ended.' }],
    structured: { error: 'interrupted' },
  }
  expect(after([start('x'), interrupt('system'), interrupt('system'), end('error'), stopped])).toEqual([
    'c3 ▸ x',
    '   ├ interrupted by you',
    '   ├ interrupted again, since it went on',
    '   └ interrupted · 0.4 s',
    '',
    '· execute_code was interrupted',
  ])
  expect(after([start('x'), interrupt('agent:explorer')])[1]).toBe('   ├ interrupted by explorer')
})

test('what somebody does from outside is a line; at the terminal itself, while it happens, none', () => {
  const steers: EventInput[] = [
    { type: 'run-steer', by: 'researcher', action: 'message', from: 'page', agent: 'explorer' },
    { type: 'run-steer', by: 'researcher', action: 'interrupt', from: 'terminal' },
    { type: 'run-steer', by: 'researcher', action: 'stop', from: 'command' },
  ]
  const wrote = '· the researcher wrote to explorer (from the page)'
  const stopped = '· the researcher stopped the run (by a command)'
  expect(tellInputs(steers)).toEqual([wrote, '· the researcher interrupted the agent (at the terminal)', stopped])
  const live = openStory(lookOf({ columns: 60 }, { color: false }), { live: true })
  expect(stampAll(steers).flatMap((event) => storyLines(live, event))).toEqual([wrote, stopped])
})

test('why an agent failed is told once: live by whoever catches it, later before the story', () => {
  const failed: EventInput = { type: 'agent-end', by: 'agent:explorer', reason: 'failed', detail: 'no key\n  → set it' }
  const tellWith = (options: { live?: boolean; error?: string }) => {
    const state = openStory(lookOf({ columns: 80 }, { color: false }), options)
    return stampAll([agent, failed])
      .flatMap((event) => storyLines(state, event))
      .slice(2)
  }
  expect(tellWith({ live: true })).toEqual(['explorer failed'])
  expect(tellWith({ error: 'no key' })).toEqual(['explorer failed'])
  expect(tellWith({ error: 'another' })).toEqual(['explorer failed', '│ no key', '│   → set it'])
})

test('a finding stands in a box that says that it is a claim', () => {
  const finding = { claim: 'It has 30 blocks.', confidence: 0.9, cells: ['c3'], answer: { layers: 30 } }
  const lines = after([{ type: 'finding-submit', by: 'agent:explorer', finding }])
  expect(lines[0]).toMatch(/^┏━ claim of explorer · confidence 0.9 ━+$/)
  expect(lines.slice(1, -1)).toEqual([
    '┃ It has 30 blocks.',
    '┃',
    '┃ answer      layers: 30',
    '┃ control     none was named',
    '┃ rests on    c3',
  ])
  expect(lines.at(-1)).toMatch(/^┗━ not checked by anyone but the agent ━+$/)
})

test('a dead kernel, lost output and warnings are seen', () => {
  const lines = after(
    [
      { type: 'kernel-dead', by: 'system', reason: 'died', exitCode: null, signal: 'SIGKILL', variablesLost: true },
      { type: 'output-lost', by: 'system', cell: 'c3', reason: 'gap', messages: 1200, bytes: 5000 },
      { type: 'notice-add', by: 'system', level: 'warning', code: 'x', text: 'something to know' },
    ],
    100,
  )
  expect(lines).toEqual([
    '! the kernel died (SIGKILL): all its variables are lost',
    '! output of c3 was lost (a gap in what came from the kernel): 1,200 messages, 5.0 kB',
    '! something to know',
  ])
})

test('cells that had not ended when the run did are left open', () => {
  const lines = after([
    start('x'),
    out('open line'),
    { type: 'run-end', by: 'system', status: 'crashed', durationMs: 1000 },
  ])
  expect(lines).toEqual(['c3 ▸ x', '   │ open line', '   └ had not ended', '', 'crashed after 1.0 s'])
})

test('an event from the future is named, and nothing more', () => {
  const [future] = stampAll([{ type: 'future-thing', by: 'system', anything: 1 }])
  expect(tell([future!], 80)).toEqual(['· future-thing: an event that this version of Seer does not know'])
})

// What an agent would write to make a reader see what Seer did not say.
const EVIL = '\u001b[2J\u001b[1;1H\u001b]0;title\u0007\r\u009b31mEVIL\nEVIL ▸ x\rEVIL\u2028EVIL\u202e'

test('nothing that others wrote acts on the terminal or begins a line', () => {
  const finding = {
    claim: EVIL,
    confidence: 1,
    cells: [EVIL],
    answer: { [EVIL]: EVIL },
    control: EVIL,
    effect: { value: 1, n: 1, unit: EVIL },
  }
  const events = stampAll([
    {
      ...agent,
      model: EVIL,
      prompt: EVIL,
      recorded: { provider: EVIL, model: EVIL, at: EVIL, knewTruth: null },
    },
    says(EVIL),
    says('', EVIL),
    start(EVIL),
    out(EVIL),
    {
      type: 'cell-output',
      ...place,
      output: { output_type: 'display_data', data: { 'text/html': `<b>${EVIL}</b>` }, metadata: {} },
    },
    {
      type: 'cell-output',
      ...place,
      output: { output_type: 'error', ename: EVIL, evalue: EVIL, traceback: [EVIL, EVIL] },
    },
    { type: 'cell-output', ...place, output: { output_type: 'display_data', data: { [EVIL]: 'x' }, metadata: {} } },
    { type: 'result-save', ...place, name: EVIL, file: EVIL, kind: EVIL, sha256: 'a'.repeat(64), bytes: 1 },
    { type: 'result-record', ...place, table: EVIL, row: {} },
    end('error'),
    { type: 'markdown-add', ...place, cell: 'c4', text: EVIL },
    { type: 'tool-start', by: 'agent:explorer', call: 'a', name: EVIL, input: { [EVIL]: EVIL } },
    {
      type: 'tool-end',
      by: 'agent:explorer',
      call: 'a',
      name: EVIL,
      isError: false,
      durationMs: 1,
      content: [{ type: 'text', text: EVIL }],
    },
    {
      type: 'tool-end',
      by: 'agent:explorer',
      call: 'b',
      name: EVIL,
      isError: true,
      durationMs: 1,
      content: [{ type: 'text', text: EVIL }],
    },
    { type: 'artifact-save', ...place, name: EVIL, sha256: 'a'.repeat(64), bytes: 1, mediaType: EVIL },
    { type: 'finding-submit', by: 'agent:explorer', finding },
    { type: 'notice-add', by: 'system', level: 'warning', code: EVIL, text: EVIL },
    { type: 'notice-add', by: 'system', level: 'info', code: EVIL, text: EVIL },
    { type: 'agent-retry', by: 'agent:explorer', reason: EVIL, delayMs: 1, attempt: 1 },
    { type: 'run-steer', by: 'researcher', action: 'message', from: 'page', agent: EVIL },
    { type: 'agent-end', by: 'agent:explorer', reason: 'failed', detail: EVIL },
    { type: 'compute-report', by: 'setup', python: EVIL, torch: EVIL, isa: EVIL, threads: 1, device: EVIL },
  ])
  for (const columns of [24, 60, 200]) {
    const lines = tell(events, columns)
    expect(lines.filter((line) => line.includes('EVIL')).length).toBeGreaterThan(20)
    expect(lines.filter((line) => /^\s*EVIL/.test(line))).toEqual([])
    expect(lines.filter(acts)).toEqual([])
  }
  // With colours, the only sequences are our own.
  const painted = tell(events, 60, { color: true })
  // eslint-disable-next-line no-control-regex
  expect(painted.map((line) => line.replace(/\u001b\[\d+(;\d+)?m/g, '')).filter(acts)).toEqual([])
})

test('any log can be told, at any width, with no line too wide', () => {
  assert(
    property(logs, constantFrom(24, 60, 140), boolean(), boolean(), (events, columns, color, framed) => {
      for (const line of tell(events, columns, { color, framed })) {
        const plain = stripAnsi(line)
        expect(widthOf(plain)).toBeLessThanOrEqual(columns)
        expect(acts(plain)).toBe(false)
      }
    }),
    { numRuns: 200 },
  )
})

test('colours add nothing but colours', () => {
  assert(
    property(logs, (events) => {
      expect(tell(events, 80, { color: true }).map(stripAnsi)).toEqual(tell(events, 80))
    }),
    { numRuns: 50 },
  )
})

function acts(line: string): boolean {
  return /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(line)
}

test('the end of a sandbox is told where it lives on, or where its time was over', () => {
  const told = (reason: string) => after([{ type: 'sandbox-end', by: 'system', sandbox: 'sb-1', reason }])
  expect(told('terminated')).toEqual([])
  expect(told('detached: it lives on')).toEqual(['· sandbox sb-1 detached: it lives on'])
  expect(told('its timeout of 60 s was over')).toEqual(['! sandbox sb-1 has ended: its timeout of 60 s was over'])
})
