/** What a replay needs of this machine, and what it is refused for. */
import { appendFileSync, cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { startedNotebook } from './fixtures/notebook.ts'
import { outputs, refusal, replay, verdicts } from './fixtures/replay.ts'
import { logOf } from './fixtures/run-folder.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { pythonFolder } from '../src/environment/requirements.ts'
import { runTool } from '../src/environment/run-tool.ts'
import { Library } from '../src/workspace/library.ts'
import { Workspace } from '../src/workspace/workspace.ts'

describe('what is given to the code again', () => {
  test('files: only where it was typed, where they are what they were', async () => {
    const folder = temporaryFolder()
    const data = join(folder, 'data.txt')
    writeFileSync(data, 'forty-two')
    const notebook = await startedNotebook({ localFiles: [[data, '/workspace/data.txt']] })
    await notebook.cell('print(open("data.txt").read(), open("later/up.txt").read())') // fails: not there yet
    await notebook.sandbox.upload(data, 'later/up.txt')
    await notebook.cell('print(open("data.txt").read(), open("later/up.txt").read())')
    await notebook.end()
    const untrusted = await refusal(notebook.run.folder)
    expect(untrusted.code).toBe('replay-needs-trust')
    expect(untrusted.message).toContain(`files: ${data}`)
    const outcome = await replay(notebook.run.folder, { trust: true })
    // All files are there from the start.
    expect(verdicts(outcome)).toEqual({ c2: 'differs', c3: 'exact' })
    writeFileSync(data, 'forty-three')
    const known = readdirSync(outputs).length
    const changed = await replay(notebook.run.folder, { trust: true })
    expect(changed).toMatchObject({ status: 'failed', error: { code: 'replay-files-changed' }, cells: [] })
    expect((await logOf(changed.folder)).of('cell-start')).toEqual([])
    rmSync(data)
    expect(await refusal(notebook.run.folder, { trust: true })).toMatchObject({ code: 'replay-files-missing' })
    expect(readdirSync(outputs)).toHaveLength(known + 1)
  })

  test('secrets, network and variables', async () => {
    vi.stubEnv('SEER_T_REPLAY', 'very-secret-value')
    const notebook = await startedNotebook({
      secrets: ['SEER_T_REPLAY'],
      network: ['example.org'],
      env: { COLOUR: 'blue' },
    })
    await notebook.cell('import os\nprint(os.environ["COLOUR"], os.environ["SEER_T_REPLAY"])')
    await notebook.end()
    expect(readFileSync(join(notebook.run.folder, 'events.jsonl'), 'utf8')).not.toMatch(/very-secret-value|"blue"/)
    const noEnv = await refusal(notebook.run.folder)
    expect(noEnv).toMatchObject({ code: 'replay-env-missing', hint: 'Give them: --env COLOUR=…' })
    const env = { COLOUR: 'blue' }
    const untrusted = await refusal(notebook.run.folder, { env })
    expect(untrusted.message).toMatch(/secrets: SEER_T_REPLAY\n\s+the network: example\.org/)
    expect(verdicts(await replay(notebook.run.folder, { env, trust: true }))).toEqual({ c2: 'exact' })
    expect(verdicts(await replay(notebook.run.folder, { env: { COLOUR: 'red' }, trust: true }))).toEqual({
      c2: 'differs',
    })
    vi.stubEnv('SEER_T_REPLAY', '')
    expect(await refusal(notebook.run.folder, { env, trust: true })).toMatchObject({ code: 'secret-missing' })
    vi.unstubAllEnvs()
  })
})

test('a model: the same by its hash, refused where its weights are others, and found where it lies now', async () => {
  const root = temporaryFolder()
  const folder = join(root, 'tiny')
  await makeTinyModel(folder, 1)
  const notebook = await startedNotebook({ models: [{ name: folder }] }, {}, new Workspace())
  await notebook.cell('import torch\nprint(model(torch.tensor([[1, 2, 3]])).logits.sum().item())')
  await notebook.end()
  expect((await refusal(notebook.run.folder)).message).toContain(`folders of models: ${folder}`)
  expect(verdicts(await replay(notebook.run.folder, { trust: true }))).toEqual({ c2: 'exact' })

  const elsewhere = join(root, 'moved')
  renameSync(folder, elsewhere)
  const gone = await refusal(notebook.run.folder, { trust: true })
  expect(gone).toMatchObject({ code: 'model-unsupported' })
  const models = { model: elsewhere }
  expect(verdicts(await replay(notebook.run.folder, { trust: true, models }))).toEqual({ c2: 'exact' })

  rmSync(elsewhere, { recursive: true })
  await makeTinyModel(elsewhere, 2)
  const other = await replay(notebook.run.folder, { trust: true, models })
  expect(other).toMatchObject({ status: 'failed', error: { code: 'replay-other-weights' }, cells: [] })
  expect(String(other.error)).toMatch(
    /The model in model is not the one that the run had: tiny, weights .* then, moved, weights .* now/,
  )
  expect((await logOf(other.folder)).of('cell-start')).toEqual([])
})

async function makeTinyModel(folder: string, seed: number): Promise<void> {
  const { python } = await ensureEnvironment()
  const code = `
import sys, pathlib
from tiny_models import save_model
save_model(pathlib.Path(sys.argv[1]), int(sys.argv[2]))`
  const env = { ...process.env, PYTHONPATH: join(pythonFolder, 'tests'), OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1' }
  const result = await runTool([python, '-c', code, folder, String(seed)], { env })
  if (result.exitCode !== 0) throw new Error(result.stderr)
}

describe('what cannot be replayed is refused, before anything runs', () => {
  let folder: string
  beforeAll(async () => {
    const workspace = new Workspace({ preloadModels: false, libraries: [Library.fromCode('lamps', 'x = 1\n')] })
    const notebook = await startedNotebook({}, {}, workspace)
    await notebook.cell('import lamps\nprint(lamps.x)')
    await notebook.end()
    folder = notebook.run.folder
  })
  /** A copy of the run's folder in which something is changed. */
  const changed = (change: (copy: string) => void) => {
    const copy = join(temporaryFolder(), 'copy')
    cpSync(folder, copy, { recursive: true })
    change(copy)
    return copy
  }
  const inLog = (from: string | RegExp, to: string) => (copy: string) => {
    const path = join(copy, 'events.jsonl')
    const text = readFileSync(path, 'utf8')
    const other = text.replace(from, to)
    if (other === text) throw new Error(`${String(from)} is not in the log`)
    writeFileSync(path, other)
  }

  test.each<[string, (copy: string) => void, string, RegExp]>([
    [
      'a library that was changed',
      (copy) => appendFileSync(join(copy, 'source/libraries/lamps.py'), '# more'),
      'replay-files-missing',
      /"lamps" as it was/,
    ],
    [
      'a library that is not there',
      (copy) => rmSync(join(copy, 'source/libraries'), { recursive: true }),
      'replay-files-missing',
      /"lamps" as it was/,
    ],
    ['no cells', inLog(/"type":"session-start"/, '"type":"other-start"'), 'replay-unclear', /no cell/],
    ['no start', (copy) => writeFileSync(join(copy, 'events.jsonl'), ''), 'replay-unclear', /has no start/],
    [
      'a sandbox of another run',
      inLog(
        '"backend":"local","confinement":"bubblewrap","environment"',
        '"attached":true,"backend":"local","confinement":"bubblewrap","environment"',
      ),
      'replay-unclear',
      /started by another run/,
    ],
    [
      'a snapshot that is not here',
      inLog('"workspacePath"', '"snapshot":"sn-0000000000","workspacePath"'),
      'snapshot-unknown',
      /sn-0000000000/,
    ],
    [
      'other packages than are here',
      (copy) => writeFileSync(join(copy, 'source/env.lock'), 'numpy==1.0.0\n'),
      'replay-needs-trust',
      /would have to be installed/,
    ],
    [
      'packages of its own',
      inLog('"pythonPackages":[]', '"pythonPackages":["evil @ https://example.org/evil.tar.gz"]'),
      'replay-needs-trust',
      /would have to be installed/,
    ],
    [
      'a folder of this machine',
      inLog('"localDirs":[]', '"localDirs":[["/etc","etc"]]'),
      'replay-needs-trust',
      /files: \/etc/,
    ],
    [
      'a repository',
      inLog('"repos":[]', '"repos":[{"url":"/root/private"}]'),
      'replay-needs-trust',
      /repositories: \/root\/private/,
    ],
    [
      'a Python of this machine',
      inLog('"network":"none","timeout"', '"python":"/tmp/evil","network":"none","timeout"'),
      'replay-needs-trust',
      /a Python of this machine: \/tmp\/evil/,
    ],
    [
      'the network',
      inLog('"network":"none","timeout"', '"network":"open","timeout"'),
      'replay-needs-trust',
      /the network: open/,
    ],
  ])('%s', async (_, change, code, message) => {
    const found = await refusal(changed(change)).then(async (error) =>
      error.code === 'none' ? ((await replay(changed(change))).error as typeof error) : error,
    )
    expect(found.code).toBe(code)
    expect(found.message).toMatch(message)
  })

  test('a run that goes on', async () => {
    await using notebook = await startedNotebook()
    await notebook.cell('1')
    expect(await refusal(notebook.run.folder)).toMatchObject({ code: 'replay-running' })
  })

  test('a log of before the configuration was told is replayed by what it says', async () => {
    const old = changed(inLog(/"config":\{.*?\},"attach"/, '"attach"'))
    expect(verdicts(await replay(old))).toEqual({ c2: 'exact' })
  })
})
