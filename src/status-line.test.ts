import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { hideStatusLines, openStatusLine, showWaiting } from './status-line.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function screen(isTTY: boolean, columns = 40) {
  const written: string[] = []
  return { isTTY, columns, write: (text: string) => written.push(text), written }
}
// eslint-disable-next-line no-control-regex
const plain = (text: string) => text.replaceAll(/\x1b\[\d+m/g, '')

test('says each second what is waited for, in the same place, and is gone at the end', () => {
  const out = screen(true)
  const line = showWaiting('loading the model', out)
  vi.advanceTimersByTime(2100)
  line[Symbol.dispose]()
  vi.advanceTimersByTime(5000)
  expect(out.written.map(plain)).toEqual([
    '\r\x1b[2Kloading the model … 1 s',
    '\r\x1b[2Kloading the model … 2 s',
    '\r\x1b[2K',
  ])
})

test('without a terminal nothing is written', () => {
  const out = screen(false)
  using _ = showWaiting('loading the model', out)
  vi.advanceTimersByTime(5000)
  expect(out.written).toEqual([])
})

test('it is hidden for others to write, and never wider than the terminal', () => {
  const out = screen(true, 20)
  using line = openStatusLine(out, () => 'x'.repeat(100))
  line.hide()
  expect(out.written).toEqual([])
  vi.advanceTimersByTime(1000)
  hideStatusLines()
  hideStatusLines()
  expect(out.written.map(plain)).toEqual([`\r\x1b[2K${'x'.repeat(19)}`, '\r\x1b[2K'])
})
