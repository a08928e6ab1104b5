/** A look into a kernel while its cell runs: the cell goes on, and the notebook has nothing of it. */
import { expect, test } from 'vitest'
import { startedNotebook } from './fixtures/notebook.ts'

const BUSY = `import time
steps, stop = 0, False
while not stop:
    steps += 1
    time.sleep(0.02)
print("stopped after", steps > 1)`

test('variables of a running cell are read; the call is in the log and no cell is', async () => {
  await using notebook = await startedNotebook({}, { tools: 'full' })
  const session = notebook.session
  const cell = session.exec(BUSY)
  const seen = () => notebook.call('peek', { code: 'print("step", steps)\nstop' })
  while (!/step \d\d/.test((await seen()).text)) await new Promise((next) => setTimeout(next, 50))
  const first = await seen()
  expect(first.text).toMatch(/^\[peek\] ok\. c2 is still running\.\nstep \d+\nFalse$/)
  expect(first.structured).toEqual({ status: 'ok', running: ['c2'] })
  const failed = await notebook.call('peek', { code: 'undefined_name' })
  expect(failed.text).toMatch(/^\[peek\] raised an error\. c2 is still running\.\n[^]*NameError/)
  const late = await notebook.call('peek', { code: 'import threading\nthreading.Event().wait()', seconds: 0.5 })
  expect(late.structured['status']).toBe('unfinished')
  expect(late.text).toMatch(/given up: it had not ended after 0\.5 s\. Its thread may go on/)
  expect((await notebook.call('peek', { code: 'stop = True' })).text).toMatch(/^\[peek\] ok\. It printed nothing\./)
  expect(await cell).toMatchObject({ status: 'ok', text: 'stopped after True' })
  expect((await notebook.call('peek', { code: 'print("é" * 40_000)' })).text).toMatch(/left out: print less …\]$/)

  const bar = await notebook.call('peek', { code: 'print("\\r10%\\r20%")' })
  expect(bar.text).toMatch(/\n20%$/)
  const magic = await notebook.call('peek', { code: '%pwd' })
  expect(magic.text).toMatch(/still running\.|No cell is running\./)
  expect(magic.text.split('\n').slice(1).join('\n')).toMatch(
    /^ {2}File "<peek>", line 1\n {4}%pwd\n {4}\^\nSyntaxError: /,
  )

  const log = await notebook.log()
  expect(log.of('tool-start').filter(({ name }) => name === 'peek').length).toBeGreaterThanOrEqual(6)
  expect(log.of('cell-start').map(({ cell: id }) => id)).toEqual(['c1', 'c2'])
  expect(log.printed('c2')).toBe('stopped after True\n')
  await notebook.end()
  expect(notebook.file().cells.filter(({ cell_type }) => cell_type === 'code')).toHaveLength(2)
})

test('a secret in a peek is hidden, from the model and in the log', async () => {
  process.env['SEER_T_PEEK'] = 'very-secret-value'
  await using notebook = await startedNotebook({ secrets: ['SEER_T_PEEK'] }, { tools: 'full' })
  const told = await notebook.call('peek', { code: 'import os\nos.environ["SEER_T_PEEK"]' })
  expect(told.text).toContain("'[secret SEER_T_PEEK]'")
  expect(JSON.stringify((await notebook.log()).events)).not.toContain('very-secret-value')
})

test('of a dead kernel nothing can be seen', async () => {
  await using notebook = await startedNotebook({}, { tools: 'full' })
  await notebook.cell('import os\nos._exit(1)')
  const told = await notebook.call('peek', { code: '1' })
  expect(told).toMatchObject({ isError: true, structured: { error: 'kernel-dead' } })
})
