import { expect, test } from 'vitest'
import { commandOf, KEYS } from './keyboard.ts'

const press = (key: string, more = {}) => commandOf({ key, ctrlKey: false, metaKey: false, altKey: false, ...more })

test('each key has one command, and large letters go back', () => {
  expect(new Set(KEYS.map(({ keys }) => keys)).size).toBe(KEYS.length)
  expect(press('e')).toBe('next-error')
  expect(press('E')).toBe('previous-error')
  expect(press('x')).toBeUndefined()
})

test('what the browser or the system may want is left to them', () => {
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey']) expect(press('f', { [modifier]: true })).toBeUndefined()
})
