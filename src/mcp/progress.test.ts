import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newRun } from '../../test/fixtures/memory-run.ts'
import type { Run } from '../run/run.ts'
import { showProgress, type TellProgress } from './progress.ts'

let run: Run
let told: [number, string][]
const tell = (progress: number, message: string) => Promise.resolve(void told.push([progress, message]))
beforeEach(() => {
  vi.useFakeTimers()
  run = newRun()
  told = []
})
afterEach(async () => {
  vi.useRealTimers()
  await run.end('completed')
})

const prints = (text: string, session = 's1') =>
  run.emit({
    type: 'cell-output',
    by: 'agent:x',
    session,
    cell: 'c1',
    output: { output_type: 'stream', name: 'stdout', text },
  })
const starts = (hidden = false) =>
  run.emit({ type: 'cell-start', by: 'agent:x', session: 's1', cell: 'c1', code: '', hidden })

test('what the session’s cell printed last, at most twice a second, with a number that grows', async () => {
  using _ = showProgress(run, 's1', tell)
  starts()
  await vi.advanceTimersByTimeAsync(600)
  for (let n = 0; n < 100; n++) prints(`${n}\n`)
  prints('of another session\n', 's2')
  await vi.advanceTimersByTimeAsync(1000)
  expect(told.map(([, message]) => message)).toEqual(['c1 runs.', '99'])
  expect(told[1]![0]).toBeGreaterThan(told[0]![0])
})

test('that it goes on, where nothing is printed', async () => {
  using _ = showProgress(run, undefined, tell)
  starts()
  prints('not told\n')
  await vi.advanceTimersByTimeAsync(11_000)
  expect(told.map(([, message]) => message)).toEqual(['It goes on.', 'It goes on.'])
})

test('nothing of set-up, nothing after its end, and no harm from a client that cannot be told', async () => {
  const failing = vi.fn<TellProgress>(() => Promise.reject(new Error('gone')))
  {
    using _ = showProgress(run, 's1', failing)
    starts(true)
    await vi.advanceTimersByTimeAsync(1000)
    expect(failing).not.toHaveBeenCalled()
    prints('x\n')
    await vi.advanceTimersByTimeAsync(1000)
    expect(failing).toHaveBeenCalledTimes(1)
  }
  prints('y\n')
  await vi.advanceTimersByTimeAsync(20_000)
  expect(failing).toHaveBeenCalledTimes(1)
})
