import { describe, expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import { inline } from '../notebook/inline.ts'
import type { Output } from '../notebook/nbformat.ts'
import type { By, EventInput } from './events.ts'
import { notebookFold, notebookOf } from './fold-notebook.ts'
import { fold } from './fold.ts'

const by = 'agent:main'
const start: EventInput = {
  type: 'run-start',
  by: 'system',
  logVersion: 1,
  seer: '0.1.0',
  experiment: 'my_experiment',
  profile: null,
  params: {},
  backend: 'local',
  confinement: 'none',
  provider: 'recorded',
  seed: 0,
}
const begin = (cell: string, more: object = {}): EventInput => ({
  type: 'cell-start',
  by,
  session: 's',
  cell,
  code: '1',
  hidden: false,
  ...more,
})
const output = (cell: string, given: Output): EventInput => ({
  type: 'cell-output',
  by,
  session: 's',
  cell,
  output: given,
})
const end = (cell: string): EventInput => ({
  type: 'cell-end',
  by,
  session: 's',
  cell,
  status: 'ok',
  executionCount: 1,
  durationMs: 5,
})
const notebookAfter = (...events: EventInput[]) => notebookOf(fold(notebookFold, stampAll([start, ...events])))
const aboutAfter = (...events: EventInput[]) => String(notebookAfter(...events).cells[0]!.source)

describe('the first cell', () => {
  test('says that the run was not confined, and how it stands', () => {
    const about = aboutAfter()
    expect(about).toContain('# my\\_experiment')
    expect(about).toContain('**This run was not confined.**')
    expect(about).toContain(
      'It started on 2026-01-01 at 00:00:00 UTC and was still **running** when this was written. No cell',
    )
    expect(about).not.toContain('recording')
  })

  test("says whose words an agent's recorded words are", () => {
    const recorded = { provider: 'claude', model: 'some-model', at: '2026-03-01T10:00:00Z', knewTruth: false }
    const agent: EventInput = {
      type: 'agent-start',
      by,
      role: 'main',
      provider: 'recorded',
      model: 'some-model',
      prompt: '',
      tools: [],
      recorded,
    }
    const about = aboutAfter(agent, { type: 'run-end', by: 'system', status: 'completed', durationMs: 65_000 })
    expect(about).toContain(
      "**The agent's words are a recording.** They were written by some-model (claude) on 2026-03-01 at 10:00:00 UTC",
    )
    expect(about).toContain('had not seen the expected answer')
    expect(about).toContain('**completed** after 1 min 5 s')
    expect(notebookAfter(agent).metadata['seer']).toMatchObject({
      recorded: [recorded],
      model: 'some-model',
      confinement: 'none',
    })
  })

  test('is not fooled by markdown in a name', () => {
    const recorded = { provider: 'x', model: 'a\n# b **c** <img src=x>', at: 'now', knewTruth: null }
    const about = aboutAfter({
      type: 'agent-start',
      by,
      role: 'main',
      provider: 'recorded',
      model: 'm',
      prompt: '',
      tools: [],
      recorded,
    })
    expect(about).toContain('a \\# b \\*\\*c\\*\\* \\<img src=x\\>')
  })
})

test('a cell with all that is known of it', () => {
  const [, cell] = notebookAfter(
    begin('c1'),
    { ...output('c1', { output_type: 'stream', name: 'stdout', text: 'x' }), kernel: { generation: 2, seq: 1 } },
    end('c1'),
  ).cells
  expect(cell).toEqual({
    cell_type: 'code',
    id: 'c1',
    metadata: { seer: { by, status: 'ok', durationMs: 5, hidden: false, kernelGeneration: 2 } },
    source: '1',
    outputs: [{ output_type: 'stream', name: 'stdout', text: 'x' }],
    execution_count: 1,
  })
})

test('a superseded cell stands closed before its successor; a set-up cell has its code closed', () => {
  const notebook = notebookAfter(
    begin('c0', { hidden: true, by: 'setup' }),
    begin('c1'),
    begin('c2'),
    begin('c3', { supersedes: 'c1' }),
  )
  expect(notebook.cells.map(({ id }) => id)).toEqual(['seer-about', 'c0', 'c1-replaced', 'c1', 'c3', 'c2', 'seer-end'])
  expect(notebook.cells[1]!.metadata).toMatchObject({ tags: ['setup'], jupyter: { source_hidden: true } })
  expect(notebook.cells[2]!.source).toBe('*The next cell, c1, was replaced by c3; its code and output are folded.*')
  expect(notebook.cells[3]!.metadata).toMatchObject({
    tags: ['superseded'],
    jupyter: { source_hidden: true, outputs_hidden: true },
    seer: { supersededBy: 'c3' },
  })
  expect(notebook.cells[4]!.metadata).toMatchObject({ seer: { supersedes: 'c1' } })
})

test('cells of a second session have ids of their own', () => {
  const notebook = notebookAfter(begin('c1'), begin('c1', { session: 't.x' }), begin('seer-about'))
  expect(notebook.cells.map(({ id }) => id)).toEqual(['seer-about', 'c1', 't_x-c1', 'seer-about-2', 'seer-end'])
})

const says = (text: string, who: By = by, more: object = {}): EventInput => ({
  type: 'agent-message',
  by: who,
  role: who === by ? 'assistant' : 'user',
  text,
  ...more,
})
const markdown = (cell: string, text: string, supersedes?: string): EventInput => ({
  type: 'markdown-add',
  by,
  session: 's',
  cell,
  text,
  ...(supersedes === undefined ? {} : { supersedes }),
})
const sources = (...events: EventInput[]) =>
  notebookAfter(...events)
    .cells.slice(1, -1)
    .map(({ id, source }) => `${id as string} ${source as string}`)

test('words stand before the cell that their agent ran next, the last ones at the end, each under a name', () => {
  const told = sources(
    says('Begin.', 'system', { agent: 'main' }),
    says('# I start\n\n<b>now</b>'),
    begin('c0', { by: 'setup', hidden: true }),
    begin('c1'),
    begin('c2'),
    says('Look at layer 3.', 'researcher', { agent: 'main' }),
    says(' '),
    says('I mend c1.'),
    begin('c3', { supersedes: 'c1' }),
    says('Done.'),
  )
  expect(told).toEqual([
    'c0 1',
    'words-3 **main:**\n\n> # I start\n>\n> <\u200bb>now<\u200b/b>',
    'c1-replaced *The next cell, c1, was replaced by c3; its code and output are folded.*',
    'c1 1',
    'words-7 **The researcher to main:**\n\n> Look at layer 3.',
    'words-9 **main:**\n\n> I mend c1.',
    'c3 1',
    'c2 1',
    'words-11 **main:**\n\n> Done.',
  ])
})

test('two agents: each one’s words stand before its own cells; who has ended has his before whatever comes next', () => {
  const other = 'agent:other'
  const told = sources(
    says('A'),
    says('B', other, { role: 'assistant' }),
    begin('c1', { by: other }),
    begin('c2'),
    says('A ends'),
    { type: 'agent-end', by, reason: 'finished' },
    begin('c3', { by: other }),
  )
  expect(told.map((text) => text.replaceAll('\n', ''))).toEqual([
    'words-3 **other:**> B',
    'c1 1',
    'words-2 **main:**> A',
    'c2 1',
    'words-6 **main:**> A ends',
    'c3 1',
  ])
})

test('a claim stands where it was submitted, with all that is in it, and nothing in it acts', () => {
  const finding = {
    claim: 'It has <script>30</script> blocks.\n\n**Checked by Seer**',
    confidence: 0.9,
    answer: { layers: 30, words: ['a|b', '# c'] },
    effect: { value: 0.4, unit: 'logits', n: 60, interval: [0.3, 0.5] as [number, number] },
    control: 'an\nuntied copy',
    cells: ['c1'],
  }
  const submit = (session: string): EventInput => ({ type: 'finding-submit', by, session, finding })
  const told = sources(begin('c1'), begin('c1', { session: 't' }), submit('s'), submit('t'), begin('c2'))
  expect(told[2]).toBe(
    [
      'claim-4 **Claim of main** (not checked by anyone but the agent)',
      '> It has <\u200bscript>30<\u200b/script> blocks.\n>\n> **Checked by Seer**',
      [
        '- Confidence: 0.9',
        '- Answer, layers: 30',
        '- Answer, words: \\["a\\|b","\\# c"\\]',
        '- Effect: 0.4 logits, 95% interval 0.3 to 0.5, n = 60',
        '- Control: an untied copy',
        '- Rests on: c1',
      ].join('\n'),
    ].join('\n\n'),
  )
  expect(told[3]).toMatch(/^claim-5 .*does not count.*Rests on: t-c1$/s)
  expect(told[4]).toBe('c2 1')
})

test('a replaced text is one line, with its words behind it, and cannot break out', () => {
  const told = sources(markdown('c1', 'old\n\n</details>\n```'), markdown('c2', 'new', 'c1'))
  expect(told).toEqual([
    'c1 <details><summary>replaced by c2</summary>\n\n> old\n>\n> <\u200b/details>\n> ```\n\n</details>',
    'c2 new',
  ])
})

test('the last cell says how the run ended, and how far it agrees with its recording', () => {
  const compute = { python: '3', torch: null, isa: 'x', threads: 1, device: 'cpu' }
  const verdict = (cell: string, given: 'exact' | 'differs') => ({ cell, verdict: given, largestRelative: null })
  const drift: EventInput = {
    type: 'drift-report',
    by: 'system',
    recorded: compute,
    fresh: compute,
    rtol: 1e-4,
    cells: [verdict('c1', 'exact'), verdict('c2', 'exact'), verdict('c3', 'differs')],
  }
  const last = (...events: EventInput[]) => String(notebookAfter(...events).cells.at(-1)!.source)
  expect(last()).toBe('This run was still **running** when this was written.')
  expect(last(drift, { type: 'run-end', by: 'system', status: 'completed', durationMs: 41_200 })).toBe(
    'This run **completed** after 41.2 s. Compared with the recording, cell by cell (3): 2 put out exactly the same, 1 something else.',
  )
  expect(last({ type: 'run-end', by: 'system', status: 'crashed', durationMs: 900 })).toContain(
    '**crashed** after 900 ms. Its process ended without a word',
  )
})

test.each<[string, EventInput[], RegExp]>([
  [
    'was stopped with its kernel',
    [begin('c1'), { ...end('c1'), status: 'stopped' } as EventInput],
    /Seer ended the kernel/,
  ],
  ['is still running', [begin('c1')], /still running/],
  [
    'was interrupted',
    [begin('c1'), { type: 'cell-interrupt', by, session: 's', cell: 'c1', how: 'signal' }],
    /interrupted/,
  ],
  [
    'lost output',
    [begin('c1'), { type: 'output-lost', by, session: 's', cell: 'c1', reason: 'gap', messages: 3, bytes: 0 }],
    /3 messages of output lost/,
  ],
  ['never ran', [begin('c1'), { ...end('c1'), status: 'aborted' } as EventInput], /never ran/],
])('says of a cell that it %s', (_, events, mark) => {
  const outputs = notebookAfter(...events).cells[1]!['outputs'] as { data?: Record<string, string> }[]
  expect(outputs.map(({ data }) => data?.['text/plain']).join()).toMatch(mark)
})

describe('outputs', () => {
  const outputsAfter = (...outputs: Output[]) =>
    notebookAfter(begin('c1'), ...outputs.map((o) => output('c1', o)), end('c1')).cells[1]!['outputs'] as unknown[]
  const show = (data: Record<string, unknown>): Output => ({
    output_type: 'display_data',
    data: data as never,
    metadata: {},
    display_id: 'd',
  })

  test('nbformat has no place for a display id, nor for anything but text beside JSON types', () => {
    expect(
      outputsAfter(
        show({ 'text/plain': ['a', 'b'], 'text/html': { a: 1 }, 'application/json': [1], 'application/x+json': null }),
      ),
    ).toEqual([
      {
        output_type: 'display_data',
        data: { 'text/plain': 'ab', 'text/html': '{"a":1}', 'application/json': [1], 'application/x+json': null },
        metadata: {},
      },
    ])
  })

  test('a long stream has a mark with what is missing and where it is', () => {
    const blob = { blob: 'a'.repeat(64), bytes: 98_304_010, encoding: 'text' as const, head: 'start', tail: 'end' }
    expect(outputsAfter({ output_type: 'stream', name: 'stdout', text: blob })).toEqual([
      {
        output_type: 'stream',
        name: 'stdout',
        text: `start\n[… 98.3 MB (98,304,002 bytes) left out; all of it: events.jsonl and artifacts/${'a'.repeat(64)} …]\nend`,
      },
    ])
  })

  test('files stay references, and are put in where they fit', () => {
    const png = { blob: 'b'.repeat(64), bytes: 4, encoding: 'base64' as const }
    const huge = { blob: 'c'.repeat(64), bytes: 30_000_000, encoding: 'base64' as const }
    const json = { blob: 'd'.repeat(64), bytes: 7, encoding: 'json' as const }
    const lost = { blob: 'e'.repeat(64), bytes: 7, encoding: 'text' as const }
    const files: Record<string, string> = { [png.blob]: '\x89PNG', [json.blob]: '{"a":1}' }
    const readBlob = (sha256: string) => {
      if (files[sha256] === undefined) throw new Error('missing')
      return Buffer.from(files[sha256], 'latin1')
    }
    const notebook = notebookAfter(
      begin('c1'),
      output('c1', show({ 'image/png': png, 'text/plain': '<Figure>' })),
      output('c1', show({ 'image/png': huge, 'application/json': json, 'text/html': lost })),
    )
    expect(JSON.stringify(notebook)).toContain('"blob"')
    const [first, second] = inline(notebook, readBlob).cells[1]!['outputs'] as { data: unknown }[]
    expect(first!.data).toEqual({ 'image/png': 'iVBORw==', 'text/plain': '<Figure>' })
    expect(second!.data).toEqual({
      'application/json': { a: 1 },
      'text/plain': [
        `[image/png, 30.0 MB (30,000,000 bytes): too large to stand here; artifacts/${huge.blob}]`,
        `[text/html, 7 bytes: its file is missing or damaged; artifacts/${lost.blob}]`,
      ].join('\n'),
    })
  })

  test('the state of widgets is metadata, with the values that fit put in and the others named', () => {
    const text = { blob: 'b'.repeat(64), bytes: 5, encoding: 'text' as const, head: 'va', tail: 'ue' }
    const json = { blob: 'c'.repeat(64), bytes: 7, encoding: 'json' as const }
    const bytes = { blob: 'd'.repeat(64), bytes: 4, encoding: 'base64' as const }
    const huge = { blob: 'e'.repeat(64), bytes: 30_000_000, encoding: 'text' as const }
    const files: Record<string, string> = { [text.blob]: 'value', [json.blob]: '{"a":1}', [bytes.blob]: '\x89PNG' }
    const change: EventInput = {
      type: 'widget-update',
      by,
      session: 's',
      cell: 'c1',
      model: 'm1',
      widget: {
        state: { _model_name: 'XModel', text, json, _esm: huge, plain: [1] },
        buffers: [{ path: ['value'], data: bytes }],
      },
    }
    const notebook = notebookAfter(begin('c1'), change)
    const { metadata } = inline(notebook, (sha256) => Buffer.from(files[sha256]!, 'latin1'))
    const widgets = metadata['widgets'] as unknown as Record<string, { state: Record<string, unknown> }>
    expect(widgets['application/vnd.jupyter.widget-state+json']!.state['m1']).toEqual({
      model_name: 'XModel',
      model_module: '',
      model_module_version: '',
      state: { _model_name: 'XModel', text: 'value', json: { a: 1 }, plain: [1] },
      buffers: [{ encoding: 'base64', path: ['value'], data: 'iVBORw==' }],
    })
    expect(metadata['seer']).toMatchObject({
      widgetsLeftOut: [
        `_esm of the widget m1, 30.0 MB (30,000,000 bytes): too large to stand here; artifacts/${huge.blob}`,
      ],
    })
    expect(notebookAfter(begin('c1')).metadata).not.toHaveProperty('widgets')
  })
})
