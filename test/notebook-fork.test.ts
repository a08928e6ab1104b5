/** A process that a cell forks is no second kernel: it ends with the cell's code, whichever way that ends. */
import { expect, test } from 'vitest'
import { startedNotebook } from './fixtures/notebook.ts'

const forked = (child: string) => `import os, sys
pid = os.fork()
if pid == 0:
    print("the child")
    ${child}
else:
    print("it ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`

test('by its end, by sys.exit, by an exception: what it printed is there, and the cell is its parent’s', async () => {
  await using notebook = await startedNotebook()
  for (const [child, code, says] of [
    ['pass', 0, /the child/],
    ['sys.exit(3)', 1, /the child/],
    ['raise KeyError("of the child")', 1, /KeyError.*: 'of the child'/],
  ] as const) {
    const { text, structured } = await notebook.cell(forked(child))
    expect(structured).toMatchObject({ status: 'ok' })
    expect(text).toMatch(says)
    expect(text).toContain(`it ended with ${code}`)
  }
  expect((await notebook.cell('print("on")')).text).toMatch(/ok\.\non$/)
})
