import { expect, test } from 'vitest'
import { parseRoute, runHref } from './route.ts'

test.each([
  ['', { page: 'runs' }],
  ['#/', { page: 'runs' }],
  ['#/else/x', { page: 'runs' }],
  ['#/run/', { page: 'runs' }],
  ['#/run/a', { page: 'run', id: 'a', anchor: null }],
  ['#/run/a%20b/cell-s1-c3', { page: 'run', id: 'a b', anchor: 'cell-s1-c3' }],
  ['#/run/%E0', { page: 'run', id: '%E0', anchor: null }],
])('%s', (hash, route) => {
  expect(parseRoute(hash)).toEqual(route)
})

test('an address that is made leads back', () => {
  expect(parseRoute(runHref('a/b #1', 'cell-s/1-c?'))).toEqual({ page: 'run', id: 'a/b #1', anchor: 'cell-s/1-c?' })
})
