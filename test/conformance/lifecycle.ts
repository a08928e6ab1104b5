/** It starts once and ends once, at whatever moment that is asked for, and is of no use before and after. */
import { describe, expect } from 'vitest'
import { Sandbox } from '../../src/environment/sandbox.ts'
import { ALWAYS, METHODS, PROPERTIES } from './every-method.ts'
import { printed } from './printed.ts'
import { codeOf, within } from './started.ts'
import type { Suite } from './suite.ts'

export function lifecycle(suite: Suite): void {
  const check = suite.checks()
  const { remains } = suite

  describe('starting', () => {
    check('every method and property is asked below', () => {
      const members = Object.getOwnPropertyNames(Sandbox.prototype).filter((name) => !ALWAYS.includes(name))
      expect([...Object.keys(METHODS), ...Object.keys(PROPERTIES)].sort()).toEqual(members.sort())
      return Promise.resolve()
    })

    check('before its start it has nothing, and says so', async () => {
      await using made = suite.make()
      for (const [name, ask] of Object.entries({ ...METHODS, ...PROPERTIES }))
        expect([name, await codeOf(() => ask(made.sandbox))]).toEqual([name, 'sandbox-not-started'])
    })

    check('twice, also at once, is once', async () => {
      await using made = suite.make()
      const [first, second] = await Promise.all([made.sandbox.start(), made.sandbox.start()])
      expect([first, second, await made.sandbox.start()]).toEqual([made.sandbox, made.sandbox, made.sandbox])
      expect((await made.log()).of('sandbox-start')).toMatchObject([{ sandbox: made.sandbox.sandboxId }])
    })

    check('two are two: their ids and their files', async () => {
      await using one = await suite.start()
      await using two = await suite.start()
      expect(one.sandbox.sandboxId).not.toBe(two.sandbox.sandboxId)
      await one.sandbox.writeFile('of-one', 'x')
      expect(await codeOf(two.sandbox.readFile('of-one'))).toBe('file-missing')
    })

    check('stopped from outside: an error, and nothing is left', async () => {
      const before = await remains()
      for (const afterMs of [0, 40, 120, 300]) {
        const stop = new AbortController()
        await using made = suite.make({}, { signal: stop.signal })
        const starting = made.sandbox.start().then(
          () => 'it had started',
          () => 'stopped',
        )
        setTimeout(() => stop.abort(), afterMs)
        if ((await within(60, starting)) === 'stopped') await expect.poll(remains).toEqual(before)
      }
      await expect.poll(remains).toEqual(before)
    })
  })

  describe('ending', () => {
    check('twice, and twice at once, is once; nothing is left', async () => {
      const before = await remains()
      await using one = await suite.start()
      await one.says('import subprocess; subprocess.Popen(["sleep", "1000"], start_new_session=True)')
      const { sandbox } = one
      await within(60, Promise.all([sandbox.terminate(), sandbox.terminate()]))
      await sandbox.terminate()
      expect((await one.log()).of('sandbox-end')).toMatchObject([{ reason: 'terminated' }])
      expect(await remains()).toEqual(before)
    })

    check('without a start: there is none any more', async () => {
      await using made = suite.make()
      await made.sandbox.terminate()
      expect(await codeOf(made.sandbox.start())).toBe('sandbox-terminated')
    })

    check('while it starts: it ends, and nothing is left', async () => {
      const before = await remains()
      await using made = suite.make()
      const starting = codeOf(made.sandbox.start())
      await within(60, made.sandbox.terminate())
      expect(['none', 'sandbox-terminated']).toContain(await within(10, starting))
      expect(await codeOf(made.sandbox.readFile('file'))).toBe('sandbox-terminated')
      await expect.poll(remains).toEqual(before)
    })

    check('while a cell runs: whoever waits for it is told, and what it had printed is kept', async () => {
      const before = await remains()
      await using one = await suite.start()
      const session = await one.session()
      const waiting = codeOf(session.exec('import time\nprint("begun", flush=True)\ntime.sleep(1000)'))
      await printed(one, 'begun')
      await within(60, one.sandbox.terminate())
      expect(await within(10, waiting)).toBe('sandbox-terminated')
      const log = await one.log()
      expect([log.printed('c2'), log.of('cell-end').at(-1)]).toMatchObject([
        'begun\n',
        { cell: 'c2', status: 'stopped' },
      ])
      expect(await remains()).toEqual(before)
    })

    check('afterwards every method fails with the same code, and at once', async () => {
      await using one = await suite.start()
      const session = await one.session()
      await one.sandbox.terminate()
      for (const [name, ask] of Object.entries(METHODS))
        expect([name, await within(5, codeOf(ask(one.sandbox)))]).toEqual([name, 'sandbox-terminated'])
      expect(await within(5, codeOf(session.exec('1')))).toBe('sandbox-terminated')
      expect(await within(5, codeOf(one.sandbox.start()))).toBe('sandbox-terminated')
    })

    check('by `await using`, also when what was done with it fails', async () => {
      const before = await remains()
      const failing = async () => {
        await using one = await suite.start()
        await one.session()
        await using _ = one.sandbox
        throw new Error('the script’s own')
      }
      await expect(failing()).rejects.toThrow('the script’s own')
      expect(await remains()).toEqual(before)
    })
  })
}
