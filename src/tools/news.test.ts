import { expect, test } from 'vitest'
import { emptyOutputs } from '../notebook/outputs.ts'
import type { By } from '../run/events.ts'
import { openNews } from './news.ts'
import type { CellFacts } from './notebook.ts'

function notebook() {
  const cells = new Map<string, CellFacts>()
  const add = (by: By, source: string, more: Partial<CellFacts> = {}) => {
    const cell: CellFacts = {
      kind: 'code',
      by,
      source,
      hidden: false,
      supersedes: null,
      supersededBy: null,
      removed: false,
      generation: 1,
      lateMessages: 0,
      status: 'ok',
      executionCount: 1,
      outputs: emptyOutputs(),
      ...more,
    }
    cells.set(`c${cells.size + 1}`, cell)
  }
  return { begun: () => [...cells.keys()], cell: (id: string) => cells.get(id), add, set: cells }
}

const ME: By = 'agent:me'

test('nothing, while one is alone', () => {
  const book = notebook()
  const news = openNews(book)
  news.begin(ME)
  book.add(ME, 'x')
  book.add('setup', 'seer.setup()', { hidden: true })
  expect(news.take(ME)).toBeUndefined()
})

test('what others ran since, once; not what was there before', () => {
  const book = notebook()
  const news = openNews(book)
  book.add('researcher', 'secret = 1')
  news.begin(ME)
  book.add(ME, 'mine')
  book.add('agent:other', 'x = 2\nprint(x)')
  book.add('researcher', '# A heading', { kind: 'markdown', status: null })
  expect(news.take(ME)).toBe(
    [
      'Others have worked in this notebook since your last call (`read_output` tells what a cell printed):',
      '- c3, by other (ok):',
      '    x = 2',
      '    print(x)',
      '- c4, by the researcher (a text):',
      '    # A heading',
    ].join('\n'),
  )
  expect(news.take(ME)).toBeUndefined()
})

test('a cell that was still running is told again when it has ended', () => {
  const book = notebook()
  const news = openNews(book)
  news.begin(ME)
  book.add('agent:other', 'wait()', { status: 'running' })
  expect(news.take(ME)).toContain('- c1, by other (still running):')
  expect(news.take(ME)).toBeUndefined()
  book.set.set('c1', { ...book.cell('c1')!, status: 'error' })
  expect(news.take(ME)).toMatch(/- c1 has ended: error\.$/)
  expect(news.take(ME)).toBeUndefined()
})

test('a kernel that was started anew, and a cell that was interrupted, by whom', () => {
  const news = openNews(notebook())
  for (const by of [ME, 'agent:other', 'researcher'] as const) news.begin(by)
  news.did('agent:other', 'started the kernel anew: all variables are lost')
  news.interrupted('researcher', 'c7', ME)
  news.interrupted(ME, 'c8', ME)
  expect(news.take(ME)).toMatch(
    /- other started the kernel anew: all variables[^]*- the researcher interrupted your cell c7\.$/,
  )
  expect(news.take('researcher')).not.toContain('c7')
  expect(news.take('agent:other')).toBeUndefined()
})

test('what became of cells: each once, and not to who did it', () => {
  const book = notebook()
  const news = openNews(book)
  for (const by of [ME, 'agent:other'] as const) news.begin(by)
  book.add(ME, 'mine')
  book.add('agent:other', 'mended', { supersedes: 'c1' })
  for (let n = 0; n < 3; n++) news.did('agent:other', 'moved c1')
  expect(news.take(ME)!.split('\n').slice(1)).toEqual([
    '- other moved c1.',
    '- c2, by other (ok), in the place of c1:',
    '    mended',
  ])
  expect(news.take(ME)).toBeUndefined()
  expect(news.take('agent:other')).not.toContain('moved')
})

test('long code, and many cells, are cut', () => {
  const book = notebook()
  const news = openNews(book)
  news.begin(ME)
  for (let n = 0; n < 30; n++) book.add('agent:other', 'x'.repeat(10_000))
  const told = news.take(ME)!
  expect(told.length).toBeLessThan(5000)
  expect(told).toContain('- 20 cells before these.')
  expect(told).toContain('c30')
})

test('cells that were told of are not looked at again', () => {
  const book = notebook()
  const looked: string[] = []
  const news = openNews({ ...book, cell: (id) => (looked.push(id), book.cell(id)) })
  news.begin(ME)
  book.add('agent:other', 'wait()', { status: 'running' })
  for (let n = 0; n < 1000; n++) book.add(ME, 'x')
  news.take(ME)
  looked.length = 0
  book.add(ME, 'x')
  expect(news.take(ME)).toBeUndefined()
  expect(looked).toEqual(['c1', 'c1002'])
})

test('who has not begun is told nothing', () => {
  expect(openNews(notebook()).take(ME)).toBeUndefined()
})
