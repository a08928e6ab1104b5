/** One process lets go of a sandbox and another goes on with it: the same files, models and place, and the same sessions. */
import { describe, expect } from 'vitest'
import { Sandbox } from '../../src/environment/sandbox.ts'
import { attachNotebookSession } from '../../src/session/attach-notebook-session.ts'
import { METHODS } from './every-method.ts'
import { codeOf, within, type Started } from './started.ts'
import type { Suite } from './suite.ts'

export function attach(suite: Suite): void {
  const check = suite.checks('attach')
  const again = (id: string) => suite.startBy((_, options) => Sandbox.attach(id, options))

  describe('attach', () => {
    check('finds the files and the variables of the environment; a new session has a kernel of its own', async () => {
      const id = await leave(await suite.start({ env: { GIVEN: 'kept' } }), 'value = 1\nopen("made", "w").write("x")')
      await using next = await again(id)
      expect(next.sandbox.sandboxId).toBe(id)
      const found = `import os\nprint(open('made').read(), os.environ['GIVEN'], 'value' in globals())`
      expect(await next.says(found)).toBe('x kept False')
      expect((await next.log()).of('sandbox-start')).toMatchObject([{ sandbox: id, attached: true }])
    })

    check('a session goes on in its kernel, with its variables, its numbers of cells and what it prints', async () => {
      const first = await suite.start()
      const session = await first.session()
      await first.says('x = 41')
      const waiting = codeOf(session.exec(COUNTS))
      await first.sandbox.writeFile('go', '')
      const id = await leave(first, undefined, false)
      expect(await waiting).toBe('sandbox-detached')
      const one = await first.log()
      expect(one.of('session-detach')).toMatchObject([{ session: session.sessionId }])
      await first.end()

      await using next = await again(id)
      expect(next.sandbox.sessionIds).toEqual([session.sessionId])
      await using taken = await attachNotebookSession(next.sandbox)
      expect(await taken.exec('print(x + 1)')).toMatchObject({ cell: 'c4', status: 'ok', text: '42' })
      const two = await next.log()
      expect(one.printed('c3') + two.printed('c3')).toBe(Array.from({ length: 2000 }, (_, n) => `${n}\n`).join(''))
      expect([taken.sessionId, two.of('session-start')[0]?.attached?.run]).toEqual([session.sessionId, first.run.id])
      expect(next.sandbox.sessionIds).toEqual([])
    })

    check('a session that was terminated does not go on, nor one that never was', async () => {
      const first = await suite.start()
      const { sessionId } = await first.session()
      await (await first.session()).terminate()
      await using next = await again(await leave(first, undefined))
      expect(next.sandbox.sessionIds).toEqual([])
      const codes = [sessionId, 's77'].map((name) => codeOf(attachNotebookSession(next.sandbox, name)))
      expect(await Promise.all(codes)).toEqual(['session-ended', 'session-unknown'])
    })

    check('again and again, each time with sessions of their own', async () => {
      let id = await leave(await suite.start(), 'open("log", "a").write("first ")')
      const sessions: string[] = []
      for (const word of ['second', 'third']) {
        const next = await again(id)
        sessions.push((await next.session()).sessionId)
        id = await leave(next, `open("log", "a").write("${word} ")`)
      }
      await using last = await again(id)
      expect(Buffer.from(await last.sandbox.readFile('log')).toString()).toBe('first second third ')
      expect(new Set([...sessions, (await last.session()).sessionId]).size).toBe(3)
    })

    check('whoever let it go can do no more with it, and its end is not theirs', async () => {
      const first = await suite.start()
      const id = await leave(first, 'pass')
      for (const [name, ask] of Object.entries(METHODS))
        expect([name, await within(5, codeOf(ask(first.sandbox)))]).toEqual([name, 'sandbox-detached'])
      await first.sandbox.terminate()
      await using next = await again(id)
      expect(await next.says('print(1)')).toBe('1')
    })

    check('one that is used is refused, and goes on', async () => {
      await using used = await suite.start()
      expect(await codeOf(again(used.sandbox.sandboxId))).toBe('sandbox-in-use')
      expect(await used.says('print(1)')).toBe('1')
    })

    check('two at once: one gets it', async () => {
      const id = await leave(await suite.start(), 'pass')
      const both = await Promise.allSettled([again(id), again(id)])
      const got = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      for (const one of got) await one[Symbol.asyncDispose]()
      const refused = both.flatMap((one) => (one.status === 'rejected' ? [one.reason as { code: string }] : []))
      expect([got.length, refused.map(({ code }) => code)]).toEqual([1, ['sandbox-in-use']])
    })

    check('one that has ended, or never was, is refused by name', async () => {
      const id = await leave(await suite.start(), 'pass')
      const last = await again(id)
      await last[Symbol.asyncDispose]()
      for (const gone of [id, 'sb-0000000000'])
        expect([gone, await codeOf(again(gone))]).toEqual([gone, 'sandbox-unknown'])
    })
  })
}

/** It waits for a file, so that it still runs when its sandbox is let go, or has just begun to print. */
const COUNTS = `import os, time
while not os.path.exists('go'): time.sleep(0.01)
for n in range(2000): print(n, flush=True)`

/** Runs something in it where it is to, lets it go, and returns its id. */
async function leave(one: Started, code: string | undefined, ends = true): Promise<string> {
  const { sandboxId } = one.sandbox
  if (code !== undefined) await one.says(code)
  await within(30, one.sandbox.detach())
  if (ends) await one.end()
  return sandboxId
}
