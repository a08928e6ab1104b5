/** After a kernel's death nothing runs until the agent knows; then chosen cells are run again. */
import { expect, test } from 'vitest'
import { startedNotebook } from './fixtures/notebook.ts'
import { untilAborted } from '../src/until-aborted.ts'

type Notebook = Awaited<ReturnType<typeof startedNotebook>>

const DIES = 'import os\nos._exit(3)'

/** Two cells that set variables, one that fails, and the one in which the kernel dies. */
async function deadNotebook(tools: 'default' | 'full'): Promise<Notebook> {
  const notebook = await startedNotebook({}, { tools })
  await notebook.cell('a = 2')
  await notebook.call('add_markdown', { text: 'Now the second.' })
  await notebook.cell('b = a * 21\nprint("b is", b)')
  await notebook.cell('undefined_name')
  const died = await notebook.cell(DIES)
  expect(died.text).toContain('The kernel died while this cell ran (exit code 3)')
  return notebook
}

test('execute_code and edit_cell are refused, with what is lost and what to do; nothing runs', async () => {
  await using notebook = await deadNotebook('default')
  for (const [name, input] of [
    ['execute_code', { code: 'print(a)' }],
    ['edit_cell', { cell: 'c2', code: 'a = 3' }],
    ['execute_code', { code: 'print(a)' }],
  ] as const) {
    const { text, isError, structured } = await notebook.call(name, input)
    expect(isError).toBe(true)
    expect(structured).toEqual({ error: 'kernel-dead' })
    expect(text).toMatch(/The kernel has died \(exit code 3\)\. All variables are lost, and nothing was run now\./)
    expect(text).toContain('What these cells had made is gone: c2, c4, c5, c6.')
    expect(text).toMatch(/Call restart_kernel.*Then run again what you need\./)
    expect(text).not.toContain('restore_cells')
  }
  // Reading and writing text needs no kernel.
  expect((await notebook.call('wait_cell', { cell: 'c4' })).text).toContain('b is 42')
  expect((await notebook.call('edit_cell', { cell: 'c3', code: 'Another text.' })).isError).toBe(false)
  const log = await notebook.log()
  expect(log.of('cell-start').filter(({ by }) => by.startsWith('agent:'))).toHaveLength(4)

  expect((await notebook.call('restart_kernel')).text).toMatch(/number 2.*all variables of your own are lost\.$/)
  expect((await notebook.cell('print("a" in globals())')).text).toMatch(/ok\.\nFalse$/)
})

test('restore_cells runs chosen cells again, in their order, each as a new cell that says which one it runs', async () => {
  await using notebook = await deadNotebook('full')
  const refused = await notebook.call('restore_cells', { cells: ['c2', 'c4'] })
  expect(refused).toMatchObject({ isError: true, structured: { error: 'kernel-dead' } })
  expect(refused.text).toContain('restore_cells(cells=["c2","c4","c5","c6"]) runs them again')

  const restarted = await notebook.call('restart_kernel')
  expect(restarted.text).toContain('restore_cells(cells=["c2","c4","c5","c6"])')
  const restored = await notebook.call('restore_cells', { cells: ['c2', 'c4', 'c5', 'c2'] })
  expect(restored.structured).toEqual({
    restored: [
      { cell: 'c8', replays: 'c2', status: 'ok' },
      { cell: 'c9', replays: 'c4', status: 'ok' },
      { cell: 'c10', replays: 'c5', status: 'error' },
    ],
    not_run: ['c2'],
  })
  expect(restored.text).toMatch(/^Ran again: c2 as c8, c4 as c9\. Stopped at c5, which ran as c10: Not run: c2\./)
  expect(restored.text).toContain('NameError')
  expect((await notebook.cell('print(b)')).text).toMatch(/\n42$/)

  const starts = (await notebook.log()).of('cell-start').slice(-4, -1)
  expect(starts.map(({ cell, replays, supersedes, by }) => [cell, replays, supersedes, by])).toEqual([
    ['c8', 'c2', undefined, 'agent:agent'],
    ['c9', 'c4', undefined, 'agent:agent'],
    ['c10', 'c5', undefined, 'agent:agent'],
  ])
  await notebook.end()
  const [old, fresh] = ['c4', 'c9'].map((id) => notebook.file().cells.find((cell) => cell.id === id)!)
  expect(old!.metadata['tags']).toBeUndefined()
  expect(fresh!.metadata['seer']).toMatchObject({ replays: 'c4', kernelGeneration: 2 })
  expect(await notebook.page('c9')).toMatch(/runs <a[^>]*>c4<\/a> again/)
})

test('what cannot be run again is refused before anything runs', async () => {
  await using notebook = await deadNotebook('full')
  await notebook.call('restart_kernel')
  for (const [cells, why] of [
    [['c2', 'c3'], /c3 is a text cell/],
    [['c2', 'c1'], /c1 belongs to the set-up/],
    [['c2', 'c99'], /There is no cell "c99"/],
    [[], /invalid|Too small/i],
  ] as const) {
    const { isError, text } = await notebook.call('restore_cells', { cells })
    expect(isError).toBe(true)
    expect(text).toMatch(why)
  }
  expect((await notebook.cell('print("a" in globals())')).text).toContain('False')
})

test('a kernel that dies between two cells, and one that dies again while cells are restored', async () => {
  await using notebook = await startedNotebook({}, { tools: 'full' })
  await notebook.cell('import os, threading\nkept = 1\nthreading.Timer(0.2, os._exit, [9]).start()')
  await untilAborted(died(notebook), AbortSignal.timeout(30_000))
  const refused = await notebook.cell('print(kept)')
  expect(refused.text).toMatch(/has died \(exit code 9\).*gone: c2\./s)
  await notebook.call('restart_kernel')
  const again = await notebook.call('restore_cells', { cells: ['c2', 'c2'] })
  expect(again.structured).toMatchObject({ not_run: [] })
  await untilAborted(died(notebook, 2), AbortSignal.timeout(30_000))
  expect(await notebook.call('restore_cells', { cells: ['c2'] })).toMatchObject({
    isError: true,
    structured: { error: 'kernel-dead' },
  })
})

test('another agent that shares the kernel is told once that it was started anew, before anything of it runs', async () => {
  await using notebook = await startedNotebook()
  await notebook.call('execute_code', { code: 'mine = 1' }, 'agent:other')
  await notebook.cell('yours = 1')
  await notebook.call('restart_kernel')
  expect((await notebook.cell('print("yours" in globals())')).text).toContain('False')
  const told = await notebook.call('execute_code', { code: 'print(mine)' }, 'agent:other')
  expect(told).toMatchObject({ isError: true, structured: { error: 'kernel-restarted' } })
  expect(told.text).toMatch(/somebody else has started the kernel anew \(number 2\)\. All variables are lost/)
  expect((await notebook.call('execute_code', { code: 'print("on")' }, 'agent:other')).text).toContain('on')
  // Whoever comes anew has lost nothing.
  expect((await notebook.call('execute_code', { code: 'print("new")' }, 'agent:third')).text).toContain('new')
})

async function died(notebook: Notebook, times = 1): Promise<void> {
  while ((await notebook.log()).of('kernel-dead').length < times) await new Promise((next) => setTimeout(next, 50))
}
