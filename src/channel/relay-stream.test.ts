import { PassThrough } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import type { MachineProcess } from '../sandbox/backend.ts'
import { openRelay } from './relay-stream.ts'

afterEach(() => vi.useRealTimers())

/** A relay without a process: `say` is told the marker and writes what a login shell might. */
function fakeRelay(
  say: (relay: { out: PassThrough; err: PassThrough; exit: (code: number) => void }, marker: string) => void,
) {
  const exited = Promise.withResolvers<{ code: number | null; signal: string | null }>()
  const [out, err] = [new PassThrough(), new PassThrough()]
  const kill = vi.fn<() => void>()
  const process: MachineProcess = { stdin: new PassThrough(), stdout: out, stderr: err, exited: exited.promise, kill }
  const spawn = (marker: string) => {
    setImmediate(() => say({ out, err, exit: (code) => exited.resolve({ code, signal: null }) }, marker))
    return Promise.resolve(process)
  }
  return { spawn, kill }
}

const FRAME = 'Content-Length: 2\r\n\r\n{}'

test.each([
  ['nothing before it', (m: string) => [`${m}\n${FRAME}`]],
  ['a banner before it', (m: string) => ['Welcome to cluster\nLast login: today\n', `${m}\n`, FRAME]],
  ['a banner that ends in the middle of a line', (m: string) => [`(base) $ ${m}\n${FRAME}`]],
  [
    'the marker in three pieces',
    (m: string) => [`hello ${m.slice(0, 5)}`, m.slice(5, 9), `${m.slice(9)}\n${FRAME.slice(0, 4)}`, FRAME.slice(4)],
  ],
  ['an end of line that comes later', (m: string) => [m, '\n', FRAME]],
  ['a megabyte of banner', (m: string) => ['*'.repeat(1_000_000), `${m}\n${FRAME}`]],
  ['half of a marker first', (m: string) => [`${m.slice(0, 10)}\n`, `${m}\n${FRAME}`]],
])('with %s, what follows the marker comes through, whole', async (_, chunks) => {
  const { spawn } = fakeRelay(({ out }, marker) => {
    for (const chunk of chunks(marker)) out.write(chunk)
    out.end()
  })
  const { input } = await openRelay(spawn)
  input.resume()
  expect(Buffer.concat(await input.toArray()).toString()).toBe(FRAME)
})

test('a relay that ends before its marker: its code and its stderr are in the error, and it is ended', async () => {
  const { spawn, kill } = fakeRelay(({ err, exit }) => {
    err.write('seer relay: cannot reach the host')
    setImmediate(() => exit(1))
  })
  await expect(openRelay(spawn)).rejects.toThrow(/exit code 1.*cannot reach the host/)
  expect(kill).toHaveBeenCalled()
})

test('a relay that says nothing is ended after a while', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { spawn, kill } = fakeRelay(({ out }) => out.write('Welcome\n'))
  const opening = openRelay(spawn)
  opening.catch(() => undefined)
  await new Promise((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(60_000)
  await expect(opening).rejects.toMatchObject({ code: 'channel-deadline' })
  expect(kill).toHaveBeenCalled()
})
