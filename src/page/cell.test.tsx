import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'
import { emptyOutputs, outputsOf } from '../notebook/outputs.ts'
import type { CellState } from '../run/fold-cells.ts'
import { Cell } from './cell.tsx'
import type { View } from './view.ts'

const view: View = {
  artifactUrl: (sha256, name) => `/artifacts/${sha256}/${name ?? ''}`,
  cellHref: (session, cell) => `#${session}/${cell}`,
  isOpen: () => undefined,
  eager: false,
}

const CELL: CellState = {
  kind: 'code',
  cell: 'c3',
  session: 's1',
  source: 'print(1)',
  by: 'agent:main',
  hidden: false,
  supersedes: null,
  supersededBy: null,
  replays: null,
  begunIn: null,
  removed: false,
  status: 'ok',
  executionCount: 1,
  durationMs: 1234,
  generation: 1,
  outputs: emptyOutputs(),
  lateMessages: 0,
  interrupts: 0,
  lost: [],
  version: 1,
}

const draw = (cell: Partial<CellState>, more: Partial<View> = {}, startedAtMs?: number) =>
  renderToString(<Cell cell={{ ...CELL, ...cell }} startedAtMs={startedAtMs} view={{ ...view, ...more }} />)

test('a cell says what it is called, how it went, how long it took, and shows its code and output', () => {
  const outputs = outputsOf([{ output_type: 'stream', name: 'stdout', text: 'one\n' }])
  const html = draw({ outputs })
  expect(html).toContain('id="cell-s1-c3"')
  expect(html).toMatch(/class="badge tone-ok".*ok<\/span>/)
  expect(html).toContain('1.2 s')
  expect(html).toContain('<span class="hljs-built_in">print</span>')
  expect(html).toContain('one')
})

test('a running cell says since when, by the clock of the run', () => {
  const running = { status: 'running', durationMs: null } as const
  expect(draw(running, { nowMs: 70_000 }, 5_000)).toContain('1 min 5 s')
  // A clock that is behind shows no negative time.
  expect(draw(running, { nowMs: 4_000 }, 5_000)).toContain('0 s')
  expect(draw(running)).not.toContain('cell-time')
  expect(draw(running, { ended: true })).toMatch(/cell-unknown.*end unknown/)
})

test.each([
  ['error', 0, 'error'],
  ['error', 1, 'interrupted'],
  ['died', 0, 'kernel died'],
  ['stopped', 0, 'stopped'],
  ['unknown', 0, 'end unknown'],
] as const)('status %s after %i interrupts is called %s', (status, interrupts, word) => {
  expect(draw({ status, interrupts })).toContain(`</span>${word}</span>`)
})

test('what was replaced and what Seer set up is folded away, and drawn only when open', () => {
  const replaced = draw({ supersededBy: 'c4' })
  expect(replaced).toContain('replaced by')
  expect(replaced).toContain('href="#s1/c4"')
  expect(replaced).not.toContain('print')
  expect(draw({ hidden: true })).not.toContain('print')
  expect(draw({ hidden: true }, { eager: true })).toContain('print')
  expect(draw({ hidden: true }, { isOpen: (id) => id === 'cell-s1-c3' })).toContain('print')
})

test('a markdown cell is drawn as such, and its HTML is text', () => {
  const html = draw({ kind: 'markdown', source: '# Title\n\n<img src=x onerror=alert(1)>' })
  expect(html).toContain('<h1>Title</h1>')
  expect(html).not.toContain('<img')
})

test('output that was lost is said to be', () => {
  expect(draw({ lost: [{ reason: 'gap', messages: 3, bytes: 2048 }] })).toContain(
    '3 messages (2.0 kB) of its output never arrived',
  )
})

test('long code is shown from its start, and all of it when asked for', () => {
  const source = Array.from({ length: 100 }, (_, i) => `line_${i}`).join('\n')
  const html = draw({ source }, { onToggle: () => undefined })
  expect(html).toContain('line_39')
  expect(html).not.toContain('line_40')
  expect(html).toContain('60 more lines')
  expect(draw({ source }, { isOpen: (id) => id === 'cell-s1-c3-code' })).toContain('line_99')
  // In a document without scripts the browser itself opens it.
  expect(draw({ source }, { eager: true })).toMatch(/<details(?:(?!<\/details>).)*line_99/s)
})

test('whose it is, where that does not go without saying', () => {
  const agents = ['agent:one']
  expect(draw({ by: 'agent:one' }, { agents })).not.toContain('class="person"')
  expect(draw({ by: 'agent:guest' }, { agents })).toContain('<span class="person">guest</span>')
  expect(draw({ by: 'agent:one' }, { agents: [...agents, 'agent:two'] })).toContain('<span class="person">one</span>')
  expect(draw({ by: 'researcher' }, { agents })).toContain('<span class="person">Researcher</span>')
  expect(draw({ by: 'agent:one' })).not.toContain('class="person"')
})
