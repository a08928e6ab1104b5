/** A session's cells: what they print and share, how one is interrupted, and how the kernel is started again. */
import { describe, expect } from 'vitest'
import { runTool } from '../../src/tools/tool.ts'
import { printed } from './printed.ts'
import { started as inSandbox, type Started } from './started.ts'
import type { Suite } from './suite.ts'

export function cells(suite: Suite): void {
  const check = suite.checks()
  const one = suite.shared()

  describe('cells', () => {
    check('run in the workspace, one after another, and share their variables', async () => {
      const { sandbox, says } = await one()
      await says('import os\nvalue = 41')
      expect(await says('value += 1\nprint(value, os.getcwd())')).toBe(`42 ${sandbox.workspacePath}`)
    })

    check('what fails is data: the traceback, and the kernel goes on', async () => {
      const session = await (await one()).session()
      expect(await session.exec('1 / 0')).toMatchObject({
        status: 'error',
        text: expect.stringContaining('ZeroDivisionError'),
      })
      expect(await session.exec('print("on")')).toMatchObject({ status: 'ok' })
    })

    check('every line of a hundred thousand is kept, in order', async () => {
      const { says, log } = await one()
      await says('for n in range(100_000): print("line", n)')
      const facts = await log()
      const lines = Array.from({ length: 100_000 }, (_, n) => `line ${n}\n`).join('')
      expect(facts.printed(facts.of('cell-end').at(-1)!.cell!) === lines).toBe(true)
      expect(facts.of('output-lost')).toEqual([])
    })

    check('two sessions have their own variables and the same files', async () => {
      const first = await one()
      const second = inSandbox(first.sandbox, first.run)
      await first.says('mine = 1\nopen("ours", "w").write("x")')
      expect(await second.says('print("mine" in globals(), open("ours").read())')).toBe('False x')
    })

    check('an interrupt ends the cell and leaves the variables', async () => {
      const started = await one()
      const session = await started.session()
      await started.says('kept = "here"')
      const waiting = session.exec('import time\nprint("sleeping", flush=True)\ntime.sleep(1000)')
      await printed(started, 'sleeping')
      await tool(started, 'interrupt')
      expect(await waiting).toMatchObject({ status: 'error', text: expect.stringContaining('KeyboardInterrupt') })
      expect(await started.says('print(kept)')).toBe('here')
    })

    check('a restart loses the variables and nothing else', async () => {
      await using started = await suite.start()
      await started.says('gone = 1\nopen("stays", "w").write("file")')
      await tool(started, 'restart_kernel')
      expect(await started.says('print("gone" in globals(), open("stays").read())')).toBe('False file')
    })

    check('a kernel that ends itself is told, and can be started again', async () => {
      await using started = await suite.start()
      const session = await started.session()
      expect(await session.exec('import os\nos._exit(7)')).toMatchObject({ status: 'died' })
      expect((await started.log()).of('kernel-dead')).toMatchObject([{ exitCode: 7 }])
      await tool(started, 'restart_kernel')
      expect(await started.says('print("again")')).toBe('again')
    })
  })
}

async function tool(started: Started, name: string): Promise<void> {
  const { emit, signal, storeArtifact } = started.run
  const context = { emit, by: 'agent:check', signal, storeArtifact } as const
  const { tools } = await started.session()
  await runTool(tools, { id: `call-${performance.now()}`, name, input: {} }, context)
}
