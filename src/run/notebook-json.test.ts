import type * as nbformat from '@jupyterlab/nbformat'
import { expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput } from './events.ts'
import { notebookFold } from './fold-notebook.ts'
import { fold } from './fold.ts'
import { NotebookJson } from './notebook-json.ts'

const by = 'agent:main'
const subject = { name: 'a-model-of-there', quantisation: 'none', weightsSha256: 'a'.repeat(64) }
const EVENTS: EventInput[] = [
  { type: 'markdown-add', by, session: 's1', cell: 'c1', text: 'A text of here.' },
  { type: 'agent-message', by, role: 'assistant', text: 'Words before a cell of here.' },
  { type: 'cell-start', by, session: 's1', cell: 'c2', code: 'here', hidden: false },
  { type: 'agent-message', by: 'agent:other', role: 'assistant', text: 'Words before a cell of there.' },
  { type: 'cell-start', by: 'agent:other', session: 's2', cell: 'c1', code: 'there', hidden: false },
  { type: 'cell-start', by: 'agent:other', session: 's2', cell: 'c2', code: 'there', hidden: false, supersedes: 'c1' },
  { type: 'agent-message', by: 'agent:other', role: 'assistant', text: 'Words before no cell.' },
  {
    type: 'finding-submit',
    by: 'agent:other',
    session: 's2',
    finding: { claim: 'A claim of there.', confidence: 1, cells: ['c1'] },
  },
  { type: 'finding-submit', by, session: 's1', finding: { claim: 'A claim of here.', confidence: 1, cells: ['c2'] } },
]

test('of some sessions: their cells, what was said before them, and nothing else of the run', () => {
  const state = fold(notebookFold, stampAll(EVENTS))
  state.summary.subjects.push(subject)
  const json = new NotebookJson(() => Buffer.alloc(0))
  const textOf = (pieces: Iterable<Buffer>) => Buffer.concat([...pieces]).toString()
  const of = (...sessions: string[]) => textOf(json.piecesOf(state, (session) => sessions.includes(session)))
  const cellsOf = (text: string) => (JSON.parse(text) as nbformat.INotebookContent).cells

  const whole = textOf(json.pieces(state))
  const here = of('s1')
  expect(whole).toContain('of there')
  expect(here).toContain('Words before a cell of here.')
  expect(here).not.toMatch(/there|no cell|other/)
  expect(cellsOf(here).map(({ cell_type: kind, source }) => [kind, String(source).split('\n')[0]])).toEqual([
    ['markdown', 'A text of here.'],
    ['markdown', '**main:**'],
    ['code', 'here'],
    ['markdown', expect.stringMatching(/^\*\*Claim of main/)],
  ])
  expect(cellsOf(of('s1', 's2')).length).toBe(cellsOf(whole).length - 3)
  expect(JSON.parse(of())).toMatchObject({ cells: [], nbformat: 4, metadata: { kernelspec: { name: 'python3' } } })
  expect(textOf(json.pieces(state))).toBe(whole)
})
