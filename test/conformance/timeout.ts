/** When its time is over it ends by itself: that is told ahead, and whoever waits for something in it is told why. */
import { describe, expect } from 'vitest'
import { METHODS } from './every-method.ts'
import { codeOf, within } from './started.ts'
import type { Suite } from './suite.ts'

/** Less than any configuration may ask for. */
const SECONDS = 6

export function timeout(suite: Suite): void {
  const check = suite.checks()

  describe('the timeout', () => {
    check('is told ahead, ends a running cell, and leaves nothing', async () => {
      const before = await suite.remains()
      await using one = suite.make({}, {}, { timeoutSeconds: SECONDS })
      await one.sandbox.start()
      const session = await one.session()
      const startedAt = performance.now()
      const waiting = session.exec('import time\nprint("begun", flush=True)\ntime.sleep(1000)')
      expect(await within(60, codeOf(waiting))).toBe('sandbox-timeout')
      expect((performance.now() - startedAt) / 1000).toBeLessThan(SECONDS + 5)
      await expect.poll(async () => (await one.log()).of('sandbox-end').length, { timeout: 20_000 }).toBe(1)
      const log = await one.log()
      const near = log.of('notice-add').find(({ code }) => code === 'timeout-near')
      expect(near?.seq).toBeLessThan(log.of('sandbox-end')[0]!.seq)
      expect(log.of('sandbox-end')[0]!.reason).toContain('timeout')
      for (const [name, ask] of Object.entries(METHODS))
        expect([name, await within(5, codeOf(ask(one.sandbox)))]).toEqual([name, 'sandbox-timeout'])
      expect(await suite.remains()).toEqual(before)
    })
  })
}
