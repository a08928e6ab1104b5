import { expect, test } from 'vitest'
import { safeData, safeMetadata } from './safe-outputs.ts'

const MAX = 10_000
const SCRIPT = '<script>alert(1)</script>'

test('HTML and drawings stand in a frame that can do nothing', () => {
  for (const mime of ['text/html', 'image/svg+xml']) {
    const html = safeData({ [mime]: `"'>${SCRIPT}` }, MAX)['text/html'] as string
    expect(html).toMatch(/^<iframe sandbox="" [^<>]*srcdoc="[^"]*"><\/iframe>$/)
    expect(html).toContain('Content-Security-Policy')
  }
  expect(safeData({ 'image/svg+xml': SCRIPT }, MAX)['text/html']).not.toContain('script')
})

test.each([
  ['JavaScript', { 'application/javascript': 'alert(1)', 'text/plain': 'x' }, { 'text/plain': 'x' }],
  ['a widget', { 'application/vnd.jupyter.widget-view+json': { model_id: 'a' } }, {}],
  ['a picture that is none', { 'image/png': '"><script>' }, {}],
  ['a picture', { 'image/png': 'aGk=\n' }, { 'image/png': 'aGk=' }],
  [
    'Markdown',
    { 'text/markdown': '```py" onclick="x', 'text/plain': '<a.b object>' },
    { 'text/plain': '```py" onclick="x' },
  ],
  ['lines', { 'text/plain': ['a\n', 'b'] }, { 'text/plain': 'a\nb' }],
  ['LaTeX', { 'text/latex': '$x$' }, { 'text/latex': '$x$' }],
  ['JSON', { 'application/json': { a: 1 } }, { 'text/plain': '{"a":1}' }],
] as const)('%s', (_, data, safe) => expect(safeData(data as never, MAX)).toEqual(safe))

test('what is too large is named, and all together fits', () => {
  const data = safeData(
    { 'text/plain': 'small', 'image/png': 'A'.repeat(MAX), 'text/latex': 'x'.repeat(MAX - 100) },
    MAX,
  )
  expect(data['text/plain']).toMatch(/^small\n\[image\/png, 10\.0 kB [^\n]*: too large to stand here\]$/)
  expect(Object.keys(data)).toEqual(['text/plain', 'text/latex'])
})

test('of metadata only the size of pictures is kept', () =>
  expect(
    safeMetadata({ isolated: true, 'text/html': { isolated: true }, 'image/png': { width: 3, height: 'x', other: 1 } }),
  ).toEqual({ 'image/png': { width: 3 } }))
