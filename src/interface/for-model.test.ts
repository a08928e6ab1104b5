import { expect, test } from 'vitest'
import { forModel } from './for-model.ts'

test('plain values stay as they are', () => {
  const value = { n: 1.5, on: true, none: null, text: 'x', list: [1, [2]] }
  expect(forModel(JSON.stringify(value)).value).toEqual(value)
  expect(forModel(JSON.stringify(value)).text).toBe(JSON.stringify(value, null, 1))
})

test('what JSON has not is named', () => {
  const value = [
    { $seer: 'float', value: 'nan' },
    { $seer: 'bytes', buffer: 0 },
    { $seer: 'array', dtype: 'float32', shape: [2, 3], buffer: 1 },
    { $seer: 'tensor', dtype: 'bfloat16', shape: [], buffer: 2 },
  ]
  expect(forModel(JSON.stringify(value)).value).toEqual([
    'nan',
    '<bytes>',
    '<array of float32, shape 2 × 3>',
    '<tensor of bfloat16, shape ()>',
  ])
})

test('a long list is cut, with how long it is; so is a long text', () => {
  const list = Array.from({ length: 576 }, (_, i) => i)
  const { value } = forModel(JSON.stringify({ embedding: list }))
  expect(value).toEqual({ embedding: [...list.slice(0, 64), '… 512 more; 576 in all'] })
  expect(forModel(JSON.stringify('x'.repeat(20_001))).value).toBe(`${'x'.repeat(20_000)}… 1 more characters`)
})

test('whole numbers that JavaScript cannot hold keep every digit', () => {
  const { value, text } = forModel('[1152921504606846977, -9007199254740993, 12, 1e300, 1.5]')
  expect(value).toEqual(['1152921504606846977', '-9007199254740993', 12, 1e300, 1.5])
  expect(text).toContain('1152921504606846977')
})
