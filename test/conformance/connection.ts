/** What stands between Seer and the agent's code is ended by force. */
import { describe, expect } from 'vitest'
import { printed } from './printed.ts'
import { codeOf, within } from './started.ts'
import type { Suite } from './suite.ts'

const COUNT = 200
const counting = `import time
print("begun", flush=True)
for n in range(${COUNT}):
    print("line", n)
    time.sleep(0.01)`

export function connection(suite: Suite): void {
  const check = suite.checks()

  describe('the connection', () => {
    check('a lost one is replaced in mid-cell: the cell ran once, and every line of it is there once', async () => {
      await using one = await suite.start()
      const waiting = one.says(counting)
      for (const mark of ['begun', 'line 60', 'line 120']) {
        await printed(one, mark)
        await suite.backend.kill(one.sandbox, 'relay')
      }
      await within(60, waiting)
      const log = await one.log()
      const lines = Array.from({ length: COUNT }, (_, n) => `line ${n}\n`).join('')
      expect(log.printed('c2')).toBe(`begun\n${lines}`)
      expect([log.of('output-lost'), log.problems]).toEqual([[], []])
      expect(log.of('notice-add').map(({ code }) => code)).toContain('connection-lost')
    })

    check('the end of the host ends the run with one known error; what the cell had printed is kept', async () => {
      const before = await suite.remains()
      await using one = await suite.start()
      const waiting = codeOf(one.says(counting))
      await printed(one, 'line 5')
      await suite.backend.kill(one.sandbox, 'host')
      expect(await within(60, waiting)).toBe('sandbox-lost')
      expect((await one.log()).printed('c2')).toContain('line 4\n')
      await within(60, one.sandbox.terminate())
      expect(await suite.remains()).toEqual(before)
    })
  })
}
