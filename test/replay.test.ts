/** Runs that are run again: in a sandbox like theirs, cell by cell, with what comes out otherwise. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { startedNotebook } from './fixtures/notebook.ts'
import { newPlace } from './fixtures/place.ts'
import { replay, treeHash, verdicts } from './fixtures/replay.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { checkRun } from '../src/run/check.ts'
import { Library } from '../src/workspace/library.ts'
import { Skill } from '../src/workspace/skill.ts'
import { Workspace } from '../src/workspace/workspace.ts'

test('a run with libraries, skills, set-up code, edits and pictures comes out the same; the old folder is not touched', async () => {
  const skillFolder = join(temporaryFolder(), 'measuring')
  mkdirSync(skillFolder)
  writeFileSync(
    join(skillFolder, 'SKILL.md'),
    '---\nname: measuring\ndescription: How to measure.\n---\nMeasure twice.\n',
  )
  writeFileSync(join(skillFolder, 'gauge.py'), 'def gauge(): return 5\n')
  const workspace = new Workspace({
    preloadModels: false,
    libraries: [Library.fromCode('lamps', 'def lamps(n): return "lamp " * n\n')],
    skills: [Skill.fromDir(skillFolder)],
    customInitCode: 'ready = "set up"',
  })
  const notebook = await startedNotebook({}, { tools: 'full' }, workspace, { seed: 11, params: { word: 'x' } })
  await notebook.cell(
    'import random, lamps, gauge\nprint(ready, PARAMS, lamps.lamps(2), gauge.gauge(), random.random())',
  )
  await notebook.call('add_markdown', { text: 'A text.' })
  await notebook.cell('print("old")')
  await notebook.call('edit_cell', { cell: 'c6', code: 'value = 3\nprint("new", value)' })
  await notebook.cell('import numpy as np\nprint(np.random.rand(3))')
  await notebook.cell('import matplotlib.pyplot as plt\nplt.plot([1, 2, value]);')
  await notebook.call('write_file', { path: 'given.txt', text: 'by a tool' })
  await notebook.cell('print(open("given.txt").read())\n1 / 0')
  await notebook.end()
  const before = treeHash(notebook.run.folder)

  const outcome = await replay(notebook.run.folder)
  expect(outcome).toMatchObject({ status: 'completed', left: [{ cell: 'c6', why: 'replaced by c7' }] })
  expect(outcome.cells.filter(({ verdict }) => verdict !== 'exact')).toEqual([])
  expect(Object.keys(verdicts(outcome))).toEqual(['c4', 'c7', 'c8', 'c9', 'c10'])
  expect(treeHash(notebook.run.folder)).toBe(before)

  const log = await logOf(outcome.folder)
  expect(log.of('run-start')[0]).toMatchObject({
    experiment: 'replay',
    provider: 'replay',
    replayOf: notebook.run.id,
    seed: 11,
    params: { word: 'x' },
  })
  expect(log.of('cell-start').flatMap((event) => event.replays ?? [])).toEqual(['c4', 'c7', 'c8', 'c9', 'c10'])
  expect(log.of('drift-report')[0]!.cells).toHaveLength(5)
  expect((await checkRun(outcome.folder)).problems).toEqual([])
  expect(readFileSync(join(outcome.folder, 'notebook.ipynb'), 'utf8')).toContain(
    `runs the cells of the run \`${notebook.run.id}\` again`,
  )
  // And a replay can be replayed.
  expect(verdicts(await replay(outcome.folder))).toMatchObject({ c4: 'exact' })
})

test('what comes out otherwise is named, with its size, the largest difference, and pictures by their bytes', async () => {
  const notebook = await startedNotebook()
  await notebook.cell('import os\nprint("id", os.urandom(8).hex())')
  await notebook.cell('import time\nnow = time.time()\nprint("ratio", 1 + (now % 1000) * 1e-9)')
  await notebook.cell('import matplotlib.pyplot as plt\nplt.title(os.urandom(8).hex())\nplt.plot([1]);')
  await notebook.cell('print("same")')
  await notebook.end()
  const outcome = await replay(notebook.run.folder)
  expect(verdicts(outcome)).toEqual({ c2: 'differs', c3: 'within-tolerance', c4: 'differs', c5: 'exact' })
  expect(outcome.cells[0]).toMatchObject({
    bytes: [20, 20],
    largestRelative: null,
    detail: expect.stringContaining('→') as string,
  })
  expect(outcome.cells[1]!.largestRelative).toBeGreaterThan(0)
  expect(outcome.cells[1]!.largestRelative).toBeLessThan(1e-4)
  expect(outcome.cells[2]!.detail).toMatch(
    /^picture 1 of 1 \(image\/png\): [\d,]+ bytes → [\d,]+ bytes, other content$/,
  )
  expect(verdicts(await replay(notebook.run.folder, { rtol: 0 }))).toMatchObject({ c3: 'differs', c5: 'exact' })
})

test('dead kernels: what the notebook shows runs in one, and with --all as it ran', async () => {
  const notebook = await startedNotebook({}, { tools: 'full' })
  await notebook.cell('a = 1\nprint("a", a)')
  await notebook.cell('import os\nimport time\nprint("dies", flush=True)\ntime.sleep(0.3)\nos._exit(3)')
  await notebook.call('restart_kernel')
  await notebook.cell('print("a" in globals())')
  await notebook.call('restore_cells', { cells: ['c2'] })
  await notebook.end()
  const shown = await replay(notebook.run.folder)
  // In one kernel the variable is still there.
  expect(verdicts(shown)).toEqual({ c2: 'exact', c5: 'differs', c6: 'exact' })
  expect(shown.left).toEqual([{ cell: 'c3', why: 'the kernel had died in it' }])
  const all = await replay(notebook.run.folder, { all: true })
  expect(verdicts(all)).toEqual({ c2: 'exact', c3: 'exact', c5: 'exact', c6: 'exact' })
  expect((await logOf(all.folder)).of('kernel-start')).toHaveLength(2)
})

test('a kernel that dies only now: what is behind it is missing, with the reason', async () => {
  const notebook = await startedNotebook()
  await notebook.cell('import os\nif os.path.exists("again"): os._exit(1)\nprint("went on")')
  await notebook.cell('open("again", "w").write("")')
  await notebook.call('restart_kernel')
  await notebook.cell('import os\nif os.path.exists("again"): print("there")')
  await notebook.end()
  // As if the file had been there: the first cell is put behind the second.
  const folder = join(temporaryFolder(), 'changed')
  cpSync(notebook.run.folder, folder, { recursive: true })
  const log = readFileSync(join(folder, 'events.jsonl'), 'utf8')
  writeFileSync(
    join(folder, 'events.jsonl'),
    log.replaceAll('if os.path.exists(\\"again\\"): os._exit(1)', 'os._exit(1)'),
  )
  const outcome = await replay(folder)
  expect(outcome.cells).toMatchObject([
    { cell: 'c2', verdict: 'differs', detail: 'status: ok → died' },
    { cell: 'c3', verdict: 'missing', detail: 'not run: the kernel died in c2 before it' },
    { cell: 'c5', verdict: 'missing' },
  ])
  expect(outcome.status).toBe('completed')
})

test('a stop in the middle ends the replay as interrupted, with what was done saved', async () => {
  const notebook = await startedNotebook()
  await notebook.cell('print("first")')
  await notebook.cell('import time\ntime.sleep(2)')
  await notebook.cell('print("last")')
  await notebook.end()
  const stop = new AbortController()
  const outcome = await replay(notebook.run.folder, {
    signal: stop.signal,
    onCell: () => stop.abort(new DOMException('stopped', 'AbortError')),
  })
  expect(outcome.status).toBe('interrupted')
  const log = await logOf(outcome.folder)
  expect(log.status).toBe('interrupted')
  expect(log.printed('c2')).toBe('first\n')
  expect(log.printed('c4')).toBe('')
})

describe('by the command', () => {
  test('an experiment’s run: exit code 0 where all is the same, 6 where something differs, 2 where it is refused', async () => {
    await using place = newPlace()
    await using api = await loopbackMessages(
      script(
        cell('import lamps, random\nprint(set_up, lamps.lamps(PARAMS["count"]), random.random())'),
        cell('print("twice")'),
      ),
    )
    expect((await place.run(api.url).ended).code).toBe(0)
    const [first] = place.runs()
    const again = await place.seer(['replay', 'latest', '--output-dir', place.outputs]).ended
    expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Error') as string })
    expect(again.stdout).toMatch(/c3 → c3 ok[^]*2 cells compared, relative tolerance 1e-4: 2 exact/)
    expect(place.runs()).toHaveLength(2)

    const log = join(first!, 'events.jsonl')
    writeFileSync(log, readFileSync(log, 'utf8').replace('"text":"twice\\n"', '"text":"thrice\\n"'))
    const differs = await place.seer(['replay', first!, '--json', '--output-dir', place.outputs]).ended
    expect(differs.code).toBe(6)
    expect(JSON.parse(differs.stdout)).toMatchObject({
      status: 'completed',
      cells: { exact: 1, differs: 1 },
      changed: [{ cell: 'c4', verdict: 'differs', bytes: [7, 6] }],
    })
    expect((await place.seer(['replay', 'nothing', '--output-dir', place.outputs]).ended).code).toBe(2)
    expect((await place.seer(['replay', first!, '--rtol', 'x', '--output-dir', place.outputs]).ended).code).toBe(2)
    expect((await place.seer(['replay', first!, '--env', 'x', '--output-dir', place.outputs]).ended).code).toBe(2)
  })
})
