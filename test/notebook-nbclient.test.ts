/** The notebook of a session against that of nbclient, which ran the same cells in a plain ipykernel of the same environment. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newFolder } from './fixtures/memory-run.ts'
import { NASTY_CELLS } from './fixtures/nasty-cells.ts'
import { startedNotebook, type NotebookCell } from './fixtures/notebook.ts'
import { checkNbformat } from '../src/run/check-nbformat.ts'

const PACKAGES = ['ipywidgets==8.1.8', 'plotly==7.1.0', 'matplotlib', 'pandas', 'nbclient==0.11.0', 'nbconvert==7.17.2']
const READER = fileURLToPath(new URL('fixtures/nbclient-reader.py', import.meta.url))

type Outputs = NotebookCell['outputs']
let started: Awaited<ReturnType<typeof startedNotebook>>
const kept: Outputs[] = []
let read: Outputs[]

beforeAll(async () => {
  started = await startedNotebook({ pythonPackages: PACKAGES })
  const ids: string[] = []
  for (const { code } of NASTY_CELLS) ids.push(String((await started.cell(code)).structured['cell']))
  await started.end()
  const { cells } = started.file()
  kept.push(...ids.map((id) => cells.find((cell) => cell.id === id)!.outputs))
  read = await readByNbclient()
})
afterAll(() => started?.[Symbol.asyncDispose]())

async function readByNbclient(): Promise<Outputs[]> {
  const folder = newFolder()
  const env = { ...process.env, JUPYTER_RUNTIME_DIR: folder, IPYTHONDIR: folder, JUPYTER_CONFIG_DIR: folder }
  const answer = join(folder, 'read.json')
  const reading = promisify(execFile)(started.sandbox.python, [READER, answer], { env, cwd: folder })
  reading.child.stdin!.end(JSON.stringify(NASTY_CELLS.map(({ code }) => code)))
  await reading
  return JSON.parse(readFileSync(answer, 'utf8')) as Outputs[]
}

/** Without what no two kernels have in common: numbers of cells, addresses, folders, ids. */
function comparable(outputs: Outputs): unknown {
  const text = JSON.stringify(outputs, (key, value: unknown) => (key === 'execution_count' ? null : value))
    .replaceAll(/In\[\d+\]/g, 'In[n]')
    .replaceAll(/0x[0-9a-f]{6,}/g, '0x')
    .replaceAll(/"model_id":"[0-9a-f]+"/g, '"model_id":""')
    .replaceAll(/\/opt\/environment|~?[\w./-]*\/environments\/\w+/g, '')
    .replaceAll(/ipykernel_\d+\/\d+\.py/g, '')
  return JSON.parse(text)
}

const indexed = NASTY_CELLS.map((cell, index) => ({ ...cell, index }))
const both = (index: number) => [comparable(kept[index]!), comparable(read[index]!)]

test.each(indexed.filter(({ differs }) => differs === undefined))('$name: the same', ({ index }) => {
  const [ours, theirs] = both(index)
  expect(ours).toEqual(theirs)
})

// So that the list of what is meant does not outlive its reasons.
test.each(indexed.filter(({ differs }) => differs !== undefined))('$name: $differs', ({ index }) => {
  const [ours, theirs] = both(index)
  expect(ours).not.toEqual(theirs)
})

test('Python’s nbformat finds the notebook valid, and nbconvert makes HTML of it', async () => {
  const notebook = join(started.run.folder, 'notebook.ipynb')
  expect(await checkNbformat(notebook, started.sandbox.python)).toEqual({ verdict: 'valid' })
  const convert = ['-m', 'nbconvert', '--to', 'html', '--stdout', '--log-level', 'ERROR', notebook]
  const { stdout } = await promisify(execFile)(started.sandbox.python, convert, { maxBuffer: 64 * 1024 * 1024 })
  expect(stdout).toContain('ZeroDivisionError')
  expect(stdout).toContain('é€😀')
})
