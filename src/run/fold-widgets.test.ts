import { expect, test } from 'vitest'
import type { Widget } from '../notebook/nbformat.ts'
import type { EventOf } from './events.ts'
import { emptyWidgets, MAX_WIDGET_CHARS, MAX_WIDGETS, takeWidget, textOfWidget, widgetStates } from './fold-widgets.ts'

const change = (model: string, state: Widget['state'], session = 's1') =>
  ({ type: 'widget-update', session, model, widget: { state, buffers: [] } }) as unknown as EventOf<'widget-update'>
const box = (...ids: string[]) => ({ _model_name: 'VBoxModel', children: ids.map((id) => `IPY_MODEL_${id}`) })
const label = (value: string) => ({ _model_name: 'LabelModel', value })

test('a widget that changes is told with the widgets around it, and of its own kernel only', () => {
  const state = emptyWidgets()
  takeWidget(state, change('c', label('one')))
  takeWidget(state, change('b', box('c')))
  takeWidget(state, change('a', box('b')))
  expect(takeWidget(state, change('c', label('two')))).toEqual(['c', 'b', 'a'])
  expect(textOfWidget(state, 's1', 'a')).toBe('two')
  expect(takeWidget(state, change('c', label('x'), 's2'))).toEqual(['c'])
  expect(textOfWidget(state, 's1', 'a')).toBe('two')
})

test('what is taken out of a box is no part of it any more', () => {
  const state = emptyWidgets()
  takeWidget(state, change('b', label('x')))
  takeWidget(state, change('a', box('b')))
  takeWidget(state, change('a', box()))
  expect(takeWidget(state, change('b', label('y')))).toEqual(['b'])
})

test('boxes inside of each other end', () => {
  const state = emptyWidgets()
  takeWidget(state, change('a', box('b')))
  takeWidget(state, change('b', box('a')))
  expect(takeWidget(state, change('a', box('b'))).sort()).toEqual(['a', 'b'])
})

test('of too many, those that were changed last are kept', () => {
  const state = emptyWidgets()
  for (let i = 0; i < MAX_WIDGETS + 10; i++) takeWidget(state, change(`w${i}`, box(`child${i}`)))
  expect(state.count).toBe(MAX_WIDGETS)
  expect(Object.keys(state.known)).toHaveLength(MAX_WIDGETS)
  expect(Object.keys(state.around)).toHaveLength(MAX_WIDGETS)
  expect(textOfWidget(state, 's1', 'w0')).toBeUndefined()
  for (let i = 0; i < 20; i++) takeWidget(state, change(`big${i}`, label('x'.repeat(1024 * 1024))))
  expect(state.chars).toBeLessThanOrEqual(MAX_WIDGET_CHARS)
  expect(textOfWidget(state, 's1', 'big19')).toBeDefined()
})

test('names that objects have are names as any other', () => {
  const state = emptyWidgets()
  for (const name of ['__proto__', 'constructor', 'toString']) takeWidget(state, change(name, label(name)))
  expect(Object.keys(widgetStates(state)!.state)).toEqual(['__proto__', 'constructor', 'toString'])
  expect(textOfWidget(state, 's1', '__proto__')).toBe('__proto__')
  expect(textOfWidget(state, 's1', 'valueOf')).toBeUndefined()
})

test('nbformat’s form', () => {
  const state = emptyWidgets()
  expect(widgetStates(state)).toBeNull()
  const data = { blob: 'a'.repeat(64), bytes: 3, encoding: 'base64' as const }
  takeWidget(state, {
    ...change('a', {}),
    widget: {
      state: { _model_name: 'M', _model_module: 'm', _model_module_version: '1', value: 1 },
      buffers: [{ path: ['x', 0], data }],
    },
  })
  expect(widgetStates(state)).toEqual({
    version_major: 2,
    version_minor: 0,
    state: {
      a: {
        model_name: 'M',
        model_module: 'm',
        model_module_version: '1',
        state: { _model_name: 'M', _model_module: 'm', _model_module_version: '1', value: 1 },
        buffers: [{ encoding: 'base64', path: ['x', 0], data }],
      },
    },
  })
})
