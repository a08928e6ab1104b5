import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keyReader, listenToKeys } from './keyboard.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function pressed(chunks: readonly (string | number)[]): string[] {
  const seen: string[] = []
  const keys = keyReader({
    onEscape: () => seen.push('esc'),
    onInterrupt: () => seen.push('interrupt'),
    onSuspend: () => seen.push('suspend'),
    onQuit: () => seen.push('quit'),
  })
  for (const chunk of chunks) {
    if (typeof chunk === 'number') vi.advanceTimersByTime(chunk)
    else keys.take(chunk)
  }
  vi.advanceTimersByTime(1_000)
  return seen
}

test.each<[string, (string | number)[], string[]]>([
  ['ESC', ['\x1b'], ['esc']],
  ['ESC twice', ['\x1b', 100, '\x1b'], ['esc', 'esc']],
  ['ESC twice at once', ['\x1b\x1b'], ['esc']],
  ['an arrow', ['\x1b[A'], []],
  ['an arrow in pieces', ['\x1b', 10, '[A'], []],
  ['Alt and a letter', ['\x1bx'], []],
  ['letters and return', ['abc\r'], []],
  ['ESC behind letters', ['ab\x1b'], ['esc']],
  ['Ctrl-C', ['\x03'], ['interrupt']],
  ['Ctrl-C right behind ESC', ['\x1b', 10, '\x03'], ['interrupt']],
  ['Ctrl-Z and Ctrl-\\', ['\x1a', '\x1c'], ['suspend', 'quit']],
])('%s', (_, chunks, seen) => expect(pressed(chunks)).toEqual(seen))

test('without a terminal at both ends nothing is touched', () => {
  const handlers = { onEscape: () => undefined, onInterrupt: () => undefined }
  const touched = vi.fn<() => void>()
  const input = { setRawMode: touched, on: touched, off: touched, resume: touched, pause: touched }
  expect(listenToKeys(handlers, { ...input, isTTY: false }, { isTTY: true })).toBeUndefined()
  expect(listenToKeys(handlers, { ...input, isTTY: true }, { isTTY: false })).toBeUndefined()
  expect(touched).not.toHaveBeenCalled()
})
