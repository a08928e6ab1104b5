/** All that an agent may do with a notebook beyond the default tools, in a real kernel. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startedNotebook } from './fixtures/notebook.ts'
import { checkRun } from '../src/run/check.ts'

type Notebook = Awaited<ReturnType<typeof startedNotebook>>

describe('arranging the notebook', () => {
  let notebook: Notebook
  beforeAll(async () => {
    notebook = await startedNotebook({}, { tools: 'full' })
    await notebook.cell('a = 1') // c2
    await notebook.call('add_markdown', { text: '# Second' }) // c3
    await notebook.cell('b = a + 1\nprint("b", b)') // c4
  })
  afterAll(() => notebook[Symbol.asyncDispose]())
  const order = async () => (await notebook.call('read_notebook')).structured['cells']
  const ids = async () => ((await order()) as { cell: string }[]).map(({ cell }) => cell).join(' ')

  test('code is put between two cells and runs now, with the variables as they are', async () => {
    const told = await notebook.call('insert_cell', { kind: 'code', source: 'print("a is", a, b)', after: 'c2' })
    expect(told.text).toBe('[c5] ok.\na is 1 2')
    const text = await notebook.call('insert_cell', { kind: 'text', source: 'First of all.', before: 'c2' })
    expect(text.structured).toEqual({ cell: 'c6' })
    expect(await ids()).toBe('c6 c2 c5 c3 c4')
  })

  test('a cell is moved, with nothing run again', async () => {
    expect((await notebook.call('move_cell', { cell: 'c4', before: 'c3' })).text).toBe('[c4] stands behind c5 now.')
    expect((await notebook.call('move_cell', { cell: 'c3', before: 'c6' })).structured).toEqual({
      cell: 'c3',
      after: null,
    })
    expect(await ids()).toBe('c3 c6 c2 c5 c4')
    expect((await notebook.log()).of('cell-start')).toHaveLength(4)
  })

  test('a cell is taken out, its variables stay, and it cannot be edited', async () => {
    expect((await notebook.call('delete_cell', { cell: 'c5' })).text).toMatch(/taken out.*the record keeps it/)
    expect(await ids()).toBe('c3 c6 c2 c4')
    expect((await notebook.call('edit_cell', { cell: 'c5', code: '1' })).structured).toEqual({ error: 'cell-removed' })
    expect((await notebook.call('delete_cell', { cell: 'c5' })).structured).toEqual({ error: 'cell-removed' })
    expect((await notebook.call('read_notebook', { cells: ['c5'] })).text).toContain(
      '[c5] ok, taken out\nprint("a is", a, b)',
    )
  })

  test.each([
    ['insert_cell', { kind: 'code', source: '1' }, 'invalid-place'],
    ['insert_cell', { kind: 'code', source: '1', after: 'c2', before: 'c4' }, 'invalid-place'],
    ['insert_cell', { kind: 'code', source: '1', after: 'c77' }, 'unknown-cell'],
    ['insert_cell', { kind: 'text', source: 'x', before: 'c1' }, 'cell-of-setup'],
    ['move_cell', { cell: 'c2', after: 'c2' }, 'invalid-place'],
    ['move_cell', { cell: 'c1', after: 'c2' }, 'cell-of-setup'],
    ['delete_cell', { cell: 'c1' }, 'cell-of-setup'],
    ['delete_cell', { cell: 'c77' }, 'unknown-cell'],
  ])('%s %j is refused, and changes nothing', async (name, input, code) => {
    const before = (await notebook.log()).events.filter(({ type }) => /^(cell|markdown)-/.test(type)).length
    expect(await notebook.call(name, input)).toMatchObject({ isError: true, structured: { error: code } })
    expect((await notebook.log()).events.filter(({ type }) => /^(cell|markdown)-/.test(type))).toHaveLength(before)
  })

  test('a running cell stays where it is until it has ended', async () => {
    const running = notebook.session.exec('import time\ngo = False\nwhile not go: time.sleep(0.02)')
    const refused = () => notebook.call('delete_cell', { cell: 'c7' })
    while ((await refused()).structured['error'] === 'unknown-cell') await new Promise((next) => setTimeout(next, 20))
    expect((await refused()).structured).toEqual({ error: 'cell-running' })
    await notebook.call('peek', { code: 'go = True' })
    expect(await running).toMatchObject({ status: 'ok' })
    expect((await refused()).isError).toBe(false)
  })

  test('an edited cell is read where it stands, and the old one only by its name', async () => {
    await notebook.call('edit_cell', { cell: 'c4', code: 'b = 7\nprint("b", b)' })
    expect(await ids()).toBe('c3 c6 c2 c8')
    const told = await notebook.call('read_notebook', { from: 'c2', limit: 1 })
    expect(told.text).toBe('1 of 4 cells. More: read_notebook(from="c8").\n[c2] ok\na = 1')
    const cellsFrom = async (from: string) =>
      ((await notebook.call('read_notebook', { from })).structured['cells'] as { cell: string }[]).map(
        ({ cell }) => cell,
      )
    // One that is not seen any more since it was named as the next.
    expect([await cellsFrom('c5'), await cellsFrom('c4'), await cellsFrom('c7')]).toEqual([['c8'], ['c8'], []])
    expect((await notebook.call('read_notebook', { cells: ['c4', 'c8'] })).text).toMatch(
      /\[c4\] ok, replaced by c8\n[^]*--- output\nb 2\n\[c8\] ok\n[^]*--- output\nb 7$/,
    )
  })

  test('the file stands in the same order, closed where something was taken out; the page and the check agree', async () => {
    await notebook.end()
    const { cells } = notebook.file()
    expect(cells.map(({ id }) => id).join(' ')).toBe(
      'seer-about c1 c3 c6 c2 c5-removed c5 c4-replaced c4 c8 c7-removed c7 seer-end',
    )
    const removed = cells.find(({ id }) => id === 'c5')!
    expect(removed.metadata).toMatchObject({
      tags: ['removed'],
      jupyter: { source_hidden: true, outputs_hidden: true },
    })
    expect(cells.find(({ id }) => id === 'c5-removed')!.source).toBe(
      '*The next cell, c5, was taken out; its code and output are folded.*',
    )
    expect(await notebook.page('c5')).toContain('taken out of the notebook')
    expect((await checkRun(notebook.run.folder, { python: notebook.sandbox.python })).problems).toEqual([])
  })
})

describe('variables and files', () => {
  let notebook: Notebook
  beforeAll(async () => void (notebook = await startedNotebook({}, { tools: 'full' })))
  afterAll(() => notebook[Symbol.asyncDispose]())

  test('variables, also while a cell runs', async () => {
    expect((await notebook.call('list_variables')).text).toMatch(/PARAMS: dict of 0$/)
    await notebook.cell('import numpy as np\nloss = np.zeros((3, 4), dtype="float32")\nname = "x"\ndef f(): pass')
    const running = notebook.session.exec('import time\ngo = False\nwhile not go: time.sleep(0.02)')
    const told = await notebook.call('list_variables')
    expect(told.text).toMatch(/PARAMS: dict of 0\nloss: numpy\.ndarray \(3, 4\) float32[^\n]*, 48 bytes\nname: str 'x'/)
    expect((await notebook.call('list_variables', { matching: 'los' })).structured).toMatchObject({
      variables: [{ name: 'loss', type: 'numpy.ndarray', bytes: 48 }],
      more: 0,
    })
    await notebook.call('peek', { code: 'go = True' })
    await running
    expect((await notebook.log()).of('cell-start')).toHaveLength(3)
  })

  test('a kernel whose seer was replaced says so', async () => {
    await notebook.cell(
      'import sys\nkept = sys.modules["seer"]\nsys.modules["seer"] = __import__("types").SimpleNamespace(_variables=lambda o: print("[1]"))',
    )
    expect((await notebook.call('list_variables')).structured).toEqual({ error: 'variables-unknown' })
    await notebook.cell('sys.modules["seer"] = kept')
  })

  test('files are written, listed and read', async () => {
    await notebook.call('write_file', { path: 'notes/one.txt', text: 'é line\n'.repeat(3000) })
    await notebook.cell(
      'import os\nos.makedirs("deep/er/still", exist_ok=True)\nopen("deep/er/still/x", "w").write("x")\nopen("raw.bin", "wb").write(bytes([255, 0]))',
    )
    const listed = await notebook.call('list_files')
    expect(listed.text).toMatch(
      /deep\/\ndeep\/er\/\n[^]*notes\/\nnotes\/one\.txt {2}24,000 bytes\nraw\.bin {2}2 bytes\n\[… 2 deeper ones/,
    )
    expect((await notebook.call('list_files', { path: 'deep', depth: 5 })).text).toBe(
      'er/\ner/still/\ner/still/x  1 bytes',
    )
    const read = await notebook.call('read_file', { path: 'notes/one.txt', max_bytes: 1000 })
    expect(read.structured).toMatchObject({ from: 0, next: 1000, total_bytes: 24_000 })
    expect(read.text).toMatch(
      /^notes\/one\.txt: bytes 0 to 1000 of 24000\. More: read_file\(path="notes\/one\.txt", from=1000\)\.\né line\n/,
    )
    // Not in the middle of a character.
    for (const [from, next] of [
      [0, 2],
      [1, 2],
      [2, 3],
    ])
      expect(
        (await notebook.call('read_file', { path: 'notes/one.txt', from, max_bytes: 1 })).structured,
      ).toMatchObject({ next })
    expect((await notebook.call('read_file', { path: 'notes/one.txt', max_bytes: 9 })).structured).toMatchObject({
      next: 8,
    })
    expect((await notebook.call('list_files', { path: 'notes/one.txt' })).text).toBe('notes/one.txt  24,000 bytes')
    expect((await notebook.cell('print(open("notes/one.txt").read().count("é"))')).text).toContain('3000')
  })

  test.each([
    ['read_file', { path: 'raw.bin' }, 'file-not-text'],
    ['read_file', { path: 'none.txt' }, 'file-missing'],
    ['read_file', { path: '../../etc/passwd' }, 'file-outside'],
    ['read_file', { path: '/etc/passwd' }, 'file-outside'],
    ['write_file', { path: '../x', text: 'x' }, 'file-outside'],
    ['list_files', { path: '..' }, 'file-outside'],
    ['list_files', { path: 'nowhere' }, 'file-missing'],
  ])('%s %j is refused', async (name, input, code) => {
    expect(await notebook.call(name, input)).toMatchObject({ isError: true, structured: { error: code } })
  })
})

describe('the original’s tools', () => {
  let notebook: Notebook
  const id = () => notebook.session.sessionId
  beforeAll(async () => void (notebook = await startedNotebook({}, { tools: 'original' })))
  afterAll(() => notebook[Symbol.asyncDispose]())

  test('attach and start tell the one session that there is', async () => {
    const started = await notebook.call('start_new_session', { experiment_name: 'mine' })
    expect(started.structured).toMatchObject({ session_id: id(), status: 'started', notebook_path: 'notebook.ipynb' })
    const attached = await notebook.call('attach_to_session', { session_id: id(), jupyter_url: 'http://example.org' })
    expect(attached.structured).toMatchObject({ session_id: id(), status: 'attached' })
  })

  test('another session’s id is refused by all of them', async () => {
    for (const [name, input] of [
      ['attach_to_session', { session_id: 'other' }],
      ['execute_code', { session_id: 'other', code: '1' }],
      ['add_markdown', { session_id: 'other', content: 'x' }],
      ['edit_cell', { session_id: 'other', code: '1' }],
      ['shutdown_session', { session_id: 'other' }],
    ] as const) {
      const told = await notebook.call(name, input)
      expect(told).toMatchObject({ isError: true, structured: { error: 'unknown-session' } })
      expect(told.text).toContain(`Your session is "${id()}".`)
    }
    expect(await notebook.call('execute_code', { code: '1' })).toMatchObject({ structured: { error: 'invalid-input' } })
  })

  test('code runs, text is added, and cells are edited by their number among code cells', async () => {
    expect(
      (await notebook.call('execute_code', { session_id: id(), code: 'a = 1\nprint(a)' })).structured,
    ).toMatchObject({
      session_id: id(),
      status: 'ok',
      cell: 'c2',
    })
    expect((await notebook.call('add_markdown', { session_id: id(), content: 'Text.' })).structured).toEqual({
      cell_number: 2,
    })
    await notebook.call('execute_code', { session_id: id(), code: 'b = a + 1' })
    const edited = await notebook.call('edit_cell', { session_id: id(), code: 'a = 10', cell_index: 0 })
    expect(edited.structured).toMatchObject({ cell: 'c5', cell_index: 0, actual_notebook_index: 0, status: 'ok' })
    const last = await notebook.call('edit_cell', { session_id: id(), code: 'b = a + 1\nprint("b", b)' })
    expect(last.text).toContain('b 11')
    expect(last.structured).toMatchObject({ cell_index: 1, actual_notebook_index: 2 })
    expect((await notebook.call('edit_cell', { session_id: id(), code: '1', cell_index: 5 })).text).toContain(
      'there are 2',
    )
  })

  test('a notebook is gone on with: its own in a new kernel, and a file of the workspace', async () => {
    await notebook.call('execute_code', { session_id: id(), code: 'gone = 1\n1 / 0' })
    const resumed = await notebook.call('start_session_resume_notebook', { notebook_path: 'notebook.ipynb' })
    expect(resumed.structured).toMatchObject({ status: 'resumed', restoration_summary: '2 of 3 code cells ran well.' })
    expect(resumed.text).toMatch(/c7 \(as c\d+\): [^]*ZeroDivisionError/)
    const replays = (await notebook.log()).of('cell-start').flatMap((event) => event.replays ?? [])
    expect(replays).toEqual(['c5', 'c6', 'c7'])

    const cells = [
      { cell_type: 'markdown', source: '# x' },
      { cell_type: 'code', source: ['from_file = b\n', 'print("file", from_file)'] },
      { cell_type: 'code', source: 'undefined_name' },
      { cell_type: 'code', source: '"".join(["a", "b"])' },
    ]
    await notebook.sandbox.writeFile('other.ipynb', JSON.stringify({ cells, nbformat: 4 }))
    const continued = await notebook.call('start_session_continue_notebook', { notebook_path: 'other.ipynb' })
    expect(continued.structured).toMatchObject({
      status: 'continued',
      restoration_summary: '2 of 3 code cells ran well.',
    })
    expect(continued.structured['restoration_errors']).toMatchObject([
      { cell: expect.stringMatching(/^other\.ipynb, cell 3 \(as c\d+\)$/) as string },
    ])
    expect(await notebook.call('start_session_resume_notebook', { notebook_path: 'none.ipynb' })).toMatchObject({
      structured: { error: 'file-missing' },
    })
    await notebook.sandbox.writeFile('bad.ipynb', '{"cells": 5}')
    expect(await notebook.call('start_session_resume_notebook', { notebook_path: 'bad.ipynb' })).toMatchObject({
      structured: { error: 'notebook-unreadable' },
    })
  })

  test('who shuts down ends their own work: another’s cell goes on, and the next one runs', async () => {
    const code = 'import os, time\nwhile not os.path.exists("go"): time.sleep(0.02)\nprint("whole")'
    const running = notebook.call('execute_code', { session_id: id(), code })
    const began = async () => expect((await notebook.log()).of('cell-start').at(-1)?.code).toBe(code)
    await vi.waitFor(began, 20_000)
    const other = (name: string, input = {}) => notebook.call(name, { session_id: id(), ...input }, 'agent:other')
    expect((await other('shutdown_session')).structured).toMatchObject({ status: 'shutdown' })
    expect((await other('add_markdown', { content: 'x' })).structured).toEqual({ error: 'session-shut-down' })
    await notebook.sandbox.writeFile('go', '')
    expect((await running).text).toMatch(/ ok\.\nwhole$/)
    expect((await notebook.call('execute_code', { session_id: id(), code: 'print(2)' })).text).toMatch(/ ok\.\n2$/)
  })

  test('after the shutdown nothing runs', async () => {
    expect((await notebook.call('shutdown_session', { session_id: id() })).structured).toEqual({
      session_id: id(),
      status: 'shutdown',
    })
    for (const [name, input] of [
      ['execute_code', { session_id: id(), code: '1' }],
      ['start_new_session', {}],
      ['start_session_resume_notebook', { notebook_path: 'notebook.ipynb' }],
    ] as const)
      expect(await notebook.call(name, input)).toMatchObject({ structured: { error: 'session-shut-down' } })
  })
})
