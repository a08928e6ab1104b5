import { setImmediate as turn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { newRun } from '../../test/fixtures/memory-run.ts'
import { currentRun, useRun, withRun } from './current.ts'
import type { Run } from './run.ts'

const never = () => {
  throw new Error('no run of the script’s own is needed here')
}

test('an explicit run wins over the one around it, which wins over the script’s own', () => {
  const [explicit, outer, inner] = [newRun(), newRun(), newRun()]
  withRun(outer, () => {
    expect(currentRun()).toBe(outer)
    expect(useRun(explicit, never).run).toBe(explicit)
    withRun(inner, () => expect(useRun(undefined, never).run).toBe(inner))
    expect(useRun(undefined, never).run).toBe(outer)
  })
  expect(currentRun()).toBeUndefined()
})

test('letting go of a run that somebody else opened does not end it', async () => {
  const run = newRun()
  await useRun(run, never).release(new Error('failed'))
  expect(run.summary.status).toBe('running')
})

test('runs that go on at the same time do not mix, also after awaits and in timers', async () => {
  const runs = Array.from({ length: 5 }, newRun)
  const seen = await Promise.all(
    runs.map((run) =>
      withRun(run, async () => {
        await turn()
        const later = await new Promise<Run | undefined>((resolve) => setTimeout(() => resolve(currentRun()), 5))
        return [currentRun(), later]
      }),
    ),
  )
  expect(seen).toEqual(runs.map((run) => [run, run]))
})

test('a script’s run: shared, and ended when the script goes on with a new one', async () => {
  const first = useRun(undefined, newRun)
  const second = useRun(undefined, never)
  expect([second.run, currentRun()]).toEqual([first.run, first.run])
  await first.release()
  await first.release()
  expect(currentRun()).toBe(first.run)
  await second.release()
  expect(first.run.summary.status).toBe('running')
  const next = useRun(undefined, newRun)
  expect(next.run).not.toBe(first.run)
  await vi.waitFor(() => expect(first.run.summary.status).toBe('completed'))
  await next.release(new Error('failed'))
  expect([next.run.summary.status, next.run.summary.error?.message]).toEqual(['failed', 'failed'])
  expect(currentRun()).toBeUndefined()
})

test('a script that does nothing more for a while: its run ends', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const use = useRun(undefined, newRun)
  await use.release()
  vi.advanceTimersByTime(900)
  expect(use.run.summary.status).toBe('running')
  // Naming the run takes it up again.
  const again = useRun(use.run, never)
  vi.advanceTimersByTime(5000)
  expect(use.run.summary.status).toBe('running')
  await again.release()
  vi.advanceTimersByTime(1000)
  vi.useRealTimers()
  await vi.waitFor(() => expect(use.run.summary.status).toBe('completed'))
})

test('a failed use is remembered until the last one is released', async () => {
  const [a, b] = [useRun(undefined, newRun), useRun(undefined, never)]
  await a.release(new Error('first'))
  expect(a.run.summary.status).toBe('running')
  await b.release()
  expect([a.run.summary.status, a.run.summary.error?.message]).toEqual(['failed', 'first'])
})

test('a script’s run leaves no listener on the process', async () => {
  const names = ['exit', 'beforeExit', 'uncaughtExceptionMonitor', 'SIGINT', 'SIGTERM', 'SIGHUP']
  const counts = () => names.map((name) => process.listenerCount(name))
  await vi.waitFor(() => expect(counts()).toEqual(names.map(() => 0)))
  const before = counts()
  const use = useRun(undefined, newRun)
  expect(counts()).toEqual(before.map((count) => count + 1))
  await use.release(new Error('failed'))
  expect(counts()).toEqual(before)
})
