import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'
import type { MimeBundle, Output as OutputMessage } from '../notebook/nbformat.ts'
import { addOutput, emptyOutputs, outputsOf } from '../notebook/outputs.ts'
import { Output } from './output.tsx'
import type { View } from './view.ts'

const SHA = 'a'.repeat(64)
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAASwAAADICAIAAADdvUsCAAAA'
const view: View = {
  artifactUrl: (sha256, name) => `/artifacts/${sha256}${name === undefined ? '' : `?name=${name}`}`,
  cellHref: () => '#',
  isOpen: () => undefined,
  onToggle: () => undefined,
  eager: false,
}

const draw = (messages: OutputMessage[], more: Partial<View> = {}) =>
  renderToString(<Output id="x" name="c1" outputs={outputsOf(messages)} view={{ ...view, ...more }} />)
const show = (data: MimeBundle, more?: Partial<View>) =>
  draw([{ output_type: 'display_data', data, metadata: {} }], more)
const print = (text: string, name: 'stdout' | 'stderr' = 'stdout') => draw([{ output_type: 'stream', name, text }])

test('what was printed, in its colours, and what is an error stream is said to be', () => {
  expect(print('a \u001b[31mred\u001b[0m word')).toContain('<span class="ansi-red-fg">red</span>')
  expect(print('x', 'stderr')).toContain('stderr</span>')
  expect(print('<b>bold</b>')).toContain('&lt;b&gt;')
})

test('of long output the start and the end stand there', () => {
  const html = print(Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(''))
  expect(html).toContain('line 23\n'.trim())
  expect(html).not.toContain('line 50')
  expect(html).toContain('line 99')
  expect(html).toContain('Show all · 68 more lines')
})

test('what is left out of a flood is counted, and its file linked', () => {
  const html = draw([
    {
      output_type: 'stream',
      name: 'stdout',
      text: { blob: SHA, bytes: 5_000_000, encoding: 'text', head: 'first\n', tail: 'last\n' },
    },
  ])
  expect(html).toContain('first')
  expect(html).toContain('last')
  expect(html).toContain('5.0 MB left out here')
  expect(html).toContain(`href="/artifacts/${SHA}?name=output-aaaaaaaa.txt"`)
})

test('a picture keeps its place: its size is read from its first bytes', () => {
  expect(show({ 'image/png': PNG })).toMatch(
    /<img src="data:image\/png;base64,[^"]+" alt="Figure 1 of c1"[^>]* width="300" height="200"/,
  )
  const html = show({ 'image/png': { blob: SHA, bytes: 9, encoding: 'base64' } })
  expect(html).toContain(`src="/artifacts/${SHA}"`)
  expect(html).toContain('loading="lazy"')
  expect(html).toContain('size-unknown')
  const sizeOf = () => ({ width: 640, height: 480 })
  expect(show({ 'image/png': { blob: SHA, bytes: 9, encoding: 'base64' } }, { sizeOf })).toContain('width="640"')
})

test('a drawing is an image, never a part of the page', () => {
  const html = show({ 'image/svg+xml': '<svg onload="alert(1)"/>' })
  expect(html).toContain('<img src="data:image/svg+xml;base64,')
  expect(html).not.toContain('onload')
})

test('a table of a library becomes one of the page; any other HTML stays in a frame that can do nothing', () => {
  const table = show({
    'text/html': '<style>x</style><table border="1"><tr><td onclick="x()">5</td></tr></table>',
    'text/plain': 'x',
  })
  expect(table).toContain('<td>5</td>')
  expect(table).not.toContain('iframe')
  const frame = show({ 'text/html': '<script>alert(1)</script><table></table>', 'text/plain': 'x' })
  expect(frame).toMatch(/<iframe[^>]* sandbox[ >=]/)
  expect(frame).not.toContain('allow-')
  expect(frame).not.toContain('<script')
})

test('an error says its message once, and its frames', () => {
  const html = draw([
    {
      output_type: 'error',
      ename: 'ValueError',
      evalue: 'no\u001b[31m',
      traceback: ['\u001b[31m-------------------------\u001b[0m', 'File x.py:1', 'ValueError: no'],
    },
  ])
  expect(html).toContain('<strong>ValueError</strong>')
  expect(html).toContain('File x.py:1')
  expect(html.match(/ValueError/g)).toHaveLength(1)
  expect(html).not.toContain('-----')
})

test('a recorded row is told by its fields', () => {
  const html = show({
    'application/vnd.seer.record+json': { table: 'trials', row: { hits: 11, rate: 0.55 } },
    'text/plain': 't',
  })
  expect(html).toContain('recorded in trials')
  expect(html).toContain('<dt>rate</dt><dd>0.55</dd>')
})

test('rows that follow each other are a table, of which the start and the end stand there', () => {
  const rows = (count: number, table = 'trials') =>
    Array.from({ length: count }, (_, n): OutputMessage => {
      const data = { 'application/vnd.seer.record+json': { table, row: { n, 'said<': `word ${n}` } } }
      return { output_type: 'display_data', data, metadata: {} }
    })
  const html = draw([...rows(100), ...rows(2, 'others')])
  expect(html).toContain('100 rows recorded in trials')
  expect(html).toContain('2 rows recorded in others')
  expect(html).toContain('said&lt;')
  expect([...html.matchAll(/word (\d+)/g)].map(([, n]) => Number(n))).toEqual([
    0, 1, 2, 3, 94, 95, 96, 97, 98, 99, 0, 1,
  ])
  expect(html).toContain('Show all · 90 more rows')
  const all = draw(rows(100), { isOpen: () => true })
  expect(all.match(/word/g)).toHaveLength(100)
  // Without scripts the browser folds all of it.
  const { onToggle: _, ...still } = view
  const report = renderToString(
    <Output id="x" name="c1" outputs={outputsOf(rows(100))} view={{ ...still, eager: true }} />,
  )
  expect(report).toMatch(/<details[^>]*><summary>100 rows recorded in trials/)
  expect(report.match(/word/g)).toHaveLength(100)
})

test('an output of no kind that can be shown says so', () => {
  expect(show({ 'application/x-unheard': 'x' })).toContain('x')
  expect(show({})).toContain('Nothing of it can be shown')
})

test('what came after the cell’s end stands behind a line that says so, once', () => {
  const list = emptyOutputs()
  const row = (n: number) => ({ 'application/vnd.seer.record+json': { table: 't', row: { n } }, 'text/plain': 'row' })
  const add = (data: MimeBundle, late: boolean) =>
    addOutput(list, { output_type: 'display_data', data, metadata: {} }, { late })
  add(row(1), false)
  add(row(2), true)
  add(row(3), true)
  const html = renderToString(<Output id="x" name="c1" outputs={list} view={view} />)
  expect(html.match(/after the cell’s end/g)).toHaveLength(1)
  expect(html.indexOf('after the cell’s end')).toBeLessThan(html.indexOf('2 rows'))
})

test('a widget is what it said last, as text and nothing else', () => {
  const list = outputsOf([{ output_type: 'display_data', data: { 'text/plain': 'first' }, metadata: {} }])
  const item = list.first[0]
  if (item?.kind === 'data') item.widget = '<b>100%</b>\u202e 50/50'
  const html = renderToString(<Output id="x" name="c1" outputs={list} view={view} />)
  expect(html).toContain('&lt;b>100%&lt;/b>')
  expect(html).not.toContain('\u202e')
  expect(html).not.toContain('first')
})

test('a Plotly figure is said in words; a large one is a file', () => {
  const figure = { data: [{ type: 'bar', y: [1] }], layout: { title: '<script>x</script>' } }
  expect(show({ 'application/vnd.plotly.v1+json': figure, 'text/html': '<script>draw()</script>' })).toMatch(
    /Plotly figure &quot;&lt;script>x&lt;\/script>&quot;: bar \(1 point\)/,
  )
  expect(show({ 'application/vnd.plotly.v1+json': { blob: SHA, bytes: 5_000_000, encoding: 'json' } })).toContain(
    `href="/artifacts/${SHA}?name=plotly-aaaaaaaa.json"`,
  )
})
