import { describe, expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import { inline } from '../notebook/inline.ts'
import type { Output } from '../notebook/nbformat.ts'
import type { EventInput } from './events.ts'
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
    expect(about).toContain('still **running**')
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
      "**The agent's words are a recording.** They were written by some-model (claude) on 2026-03-01T10:00:00Z",
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
  expect(notebook.cells.map(({ id }) => id)).toEqual(['seer-about', 'c0', 'c1', 'c3', 'c2'])
  expect(notebook.cells[1]!.metadata).toMatchObject({ tags: ['setup'], jupyter: { source_hidden: true } })
  expect(notebook.cells[2]!.metadata).toMatchObject({
    tags: ['superseded'],
    jupyter: { source_hidden: true, outputs_hidden: true },
    seer: { supersededBy: 'c3' },
  })
  expect(notebook.cells[3]!.metadata).toMatchObject({ seer: { supersedes: 'c1' } })
})

test('cells of a second session have ids of their own', () => {
  const notebook = notebookAfter(begin('c1'), begin('c1', { session: 't.x' }), begin('seer-about'))
  expect(notebook.cells.map(({ id }) => id)).toEqual(['seer-about', 'c1', 't_x-c1', 'seer-about-2'])
})

test.each<[string, EventInput[], RegExp]>([
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
})
