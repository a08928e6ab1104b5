import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchTimeout } from './watch-timeout.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** The clock goes on with the timers, and by itself while the machine sleeps. */
function watched(timeoutSeconds: number, leftSeconds = timeoutSeconds) {
  let slept = 1000
  const startedAt = performance.now()
  const nowSeconds = () => slept + (performance.now() - startedAt) / 1000
  const said: string[] = []
  const watch = watchTimeout({
    timeoutSeconds,
    endsAt: nowSeconds() + leftSeconds,
    onNear: (left) => said.push(`near ${Math.round(left)}`),
    onOver: () => said.push('over'),
    nowSeconds,
  })
  return { said, watch, sleep: (seconds: number) => void (slept += seconds), wait }
}

const wait = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)

test.each([
  ['a tenth of a short one', 60, 6],
  ['five minutes of a long one', 36_000, 300],
  ['five minutes of seven days', 7 * 86_400, 300],
])('told ahead once: %s', async (_, timeout, ahead) => {
  const { said } = watched(timeout)
  await wait(timeout - ahead - 1)
  expect(said).toEqual([])
  await wait(1.1)
  expect(said).toEqual([`near ${ahead}`])
  await wait(ahead - 1.2)
  expect(said).toHaveLength(1)
  await wait(1.1)
  expect(said).toEqual([`near ${ahead}`, 'over'])
  await wait(10 * timeout)
  expect(said).toHaveLength(2)
})

test('a machine that slept: what is over is over soon after it wakes', async () => {
  const { said, sleep } = watched(3600)
  await wait(60)
  sleep(3000)
  await wait(30)
  expect(said).toEqual([])
  sleep(225)
  await wait(30)
  expect(said).toEqual(['near 275'])
  sleep(5000)
  await wait(30)
  expect(said).toEqual(['near 275', 'over'])
})

test('little or nothing is left of it when it is taken up', async () => {
  const some = watched(3600, 20)
  const none = watched(3600, 0)
  const less = watched(3600, -5)
  expect([...some.said, ...none.said]).toEqual([])
  await wait(0.1)
  expect([some.said, none.said, less.said]).toEqual([['near 20'], ['over'], ['over']])
})

test('one that is disposed of says nothing more', async () => {
  const { said, watch } = watched(60)
  await wait(10)
  watch[Symbol.dispose]()
  await wait(100)
  expect([said, vi.getTimerCount()]).toEqual([[], 0])
})
