import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { safeWriter } from './safe-writer.ts'

function slowOutput(end: (done: (error?: Error) => void) => void) {
  return new Writable({ highWaterMark: 4, write: (_, __, done) => end(done) })
}

test('waits for a slow reader, and not for a quick one', async () => {
  let finish: ((error?: Error) => void) | undefined
  const write = safeWriter(slowOutput((done) => (finish = done)))
  await write.drained()
  write('more than fits')
  let hasDrained = false
  const drained = write.drained().then(() => (hasDrained = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect(hasDrained).toBe(false)
  finish!()
  await drained
})

test.for([
  ['fails', (out: Writable) => out.destroy(new Error('EIO'))],
  ['is closed', (out: Writable) => out.destroy()],
] as const)('stops waiting when the output %s', async ([, end]) => {
  const out = slowOutput(() => undefined)
  const [write, other] = [safeWriter(out), safeWriter(out)]
  write('more than fits')
  const drained = write.drained()
  end(out)
  await drained
  expect([write.closed, other.closed]).toEqual([true, true])
})
