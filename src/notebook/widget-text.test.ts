import { expect, test } from 'vitest'
import type { Widget } from './nbformat.ts'
import { childrenOf, widgetOf, widgetText } from './widget-text.ts'

const BLOB = { blob: 'a'.repeat(64), bytes: 12_345, encoding: 'base64' as const }
const of = (kind: string, state: Widget['state'] = {}, buffers: Widget['buffers'] = []): Widget => ({
  state: { _model_name: `${kind}Model`, ...state },
  buffers,
})
const box = (kind: string, ...ids: string[]) => of(kind, { children: ids.map((id) => `IPY_MODEL_${id}`) })
const text = (widgets: Record<string, Widget>, id = 'a') => widgetText(id, (each) => widgets[each])

test.each<[string, Widget, string]>([
  ['a slider', of('IntSlider', { value: 7, min: 0, max: 9, description: 'layer' }), 'IntSlider "layer": 7 (0 to 9)'],
  ['a bar', of('FloatProgress', { value: 3, min: 1, max: 5, description: 'load:' }), 'load: 3/5 (50%)'],
  ['a bar without an end', of('IntProgress', { value: 3, max: 0 }), '3/0'],
  ['HTML', of('HTML', { value: '<b>x</b> &lt;y&gt;<script>z</script>' }), 'x <y>'],
  ['HTML that is a file', of('HTML', { value: BLOB }), '[HTML, 12345 bytes]'],
  ['a choice', of('Dropdown', { _options_labels: ['a', 'b'], index: 1 }), 'Dropdown: b (of 2)'],
  [
    'several choices',
    of('SelectMultiple', { _options_labels: ['a', 'b'], index: [0, 1] }),
    'SelectMultiple: a, b (of 2)',
  ],
  ['no choice', of('Dropdown', { _options_labels: ['a'], index: null }), 'Dropdown: nothing chosen (of 1)'],
  ['bytes', of('Image', {}, [{ path: ['value'], data: BLOB }]), 'Image (12,345 bytes of data)'],
  ['a box without anything in it', of('Checkbox', { value: true }), 'Checkbox: true'],
  ['one of an unknown kind', of('Custom'), 'Custom'],
  ['one that does not say its kind', { state: { value: [1] }, buffers: [] }, 'widget: [1]'],
])('%s', (_, widget, expected) => {
  expect(text({ a: widget })).toBe(expected)
})

test('what is inside of a box: beside each other, below each other', () => {
  const inside = { b: of('Label', { value: 'one' }), c: of('Label', { value: 'two' }) }
  expect(text({ a: box('HBox', 'b', 'c', 'gone'), ...inside })).toBe('one two')
  expect(text({ a: box('VBox', 'b', 'c'), ...inside })).toBe('one\ntwo')
})

test('tqdm, by its two texts', () => {
  const bar = {
    b: of('HTML', { value: 'train:\u2007 50%' }),
    c: of('FloatProgress', { value: 1, max: 2 }),
    d: of('HTML', { value: '\u20071/2 [00:00&lt;00:01]' }),
  }
  expect(text({ a: box('HBox', 'b', 'c', 'd'), ...bar })).toBe('tqdm: train: 50% 1/2 [00:00<00:01]')
})

test('one that is not known', () => {
  expect(text({})).toBeUndefined()
  expect(widgetOf({ 'text/plain': 'x' })).toBeUndefined()
  expect(widgetOf({ 'application/vnd.jupyter.widget-view+json': 'x' })).toBeUndefined()
  expect(widgetOf({ 'application/vnd.jupyter.widget-view+json': { model_id: 'a' } })).toBe('a')
})

test('one inside of itself, and many inside of many, end soon and stay short', () => {
  const many = Array.from({ length: 100 }, (_, i) => `w${i}`)
  const widgets = Object.fromEntries(many.map((id) => [id, box('VBox', ...many)]))
  expect(text({ a: box('VBox', 'a') })!.length).toBeLessThan(20)
  expect(text(widgets, 'w0')!.length).toBeLessThanOrEqual(2001)
  expect(text({ a: of('Text', { value: 'x'.repeat(100_000) }) })!.length).toBeLessThan(300)
})

test('children that are no references are none', () => {
  expect(childrenOf(of('VBox', { children: ['IPY_MODEL_a', 'b', 7, null, 'IPY_MODEL_../x'] }))).toEqual(['a'])
  expect(childrenOf(of('VBox', { children: 'IPY_MODEL_a' }))).toEqual([])
})
