import { expect, test } from 'vitest'
import { plotlyText } from './plotly-text.ts'

const packed = (numbers: Float64Array) => ({ dtype: 'f8', bdata: Buffer.from(numbers.buffer).toString('base64') })

test.each<[string, unknown, string]>([
  ['nothing in it', { data: [], layout: {} }, '[Plotly figure: empty]'],
  ['no figure', 7, '[Plotly figure]'],
  [
    'traces by kind, name and size',
    {
      data: [
        { type: 'bar', x: ['a'], y: [1] },
        { y: [1, 2], name: 'loss' },
        { type: 'pie', values: [1, 2, 3] },
      ],
    },
    '[Plotly figure: bar (1 point), scatter "loss" (2 points), pie (3 points)]',
  ],
  [
    'titles as texts and as objects',
    { data: [], layout: { title: { text: 'T' }, xaxis: { title: 'step' }, yaxis: { title: { text: 'loss' } } } },
    '[Plotly figure "T": x: "step", y: "loss"]',
  ],
  ['packed numbers', { data: [{ y: packed(new Float64Array(41)) }] }, '[Plotly figure: scatter (41 points)]'],
  [
    'a packed matrix',
    { data: [{ type: 'heatmap', z: { ...packed(new Float64Array(12)), shape: '3, 4' } }] },
    '[Plotly figure: heatmap (3 points)]',
  ],
  [
    'what is of another form is left out',
    { data: [{ type: 5, name: {}, y: 'x' }], layout: { title: 9, xaxis: 1 } },
    '[Plotly figure: scatter]',
  ],
  [
    'a file',
    { blob: 'a'.repeat(64), bytes: 1_234_567, encoding: 'json' },
    '[Plotly figure, 1,234,567 bytes of JSON; it is in the notebook]',
  ],
])('%s', (_, value, expected) => {
  expect(plotlyText(value)).toBe(expected)
})

test('it stays short, whatever the figure is', () => {
  const data = Array.from({ length: 5000 }, () => ({ type: 't'.repeat(5000), name: 'n'.repeat(5000) }))
  expect(plotlyText({ data, layout: { title: 'x'.repeat(100_000) } }).length).toBeLessThan(3000)
})
