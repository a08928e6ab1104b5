/** A sandbox's files and cells are kept, and another sandbox begins with them. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { SandboxConfig } from '../src/environment/sandbox-config.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import { digestOf, type Snapshot, type SnapshotRecord } from '../src/environment/snapshot/snapshot.ts'
import type { EventOf, EventType } from '../src/run/events.ts'
import { readEvents } from '../src/run/log-reader.ts'
import { Run } from '../src/run/run.ts'
import { createNotebookSession, type NotebookSession } from '../src/session/notebook-session.ts'
import { runTool } from '../src/tools/tool.ts'
import { Library } from '../src/workspace/library.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
beforeAll(() => void (root = ownState()))
afterAll(() => {
  rmSync(root, { recursive: true })
  vi.unstubAllEnvs()
})

interface Began extends AsyncDisposable {
  readonly sandbox: Sandbox
  readonly run: Run
}

async function begin(
  start: (config: SandboxConfig, options: { run: Run }) => Promise<Sandbox>,
  config: SandboxConfig = {},
  seed = 0,
): Promise<Began> {
  const confinement = config.unconfined ? 'none' : 'bubblewrap'
  const run = Run.create(newFolder(), { ...START, seed, confinement })
  const progress = { progress: () => undefined }
  try {
    const sandbox = await start(config, { run, ...progress })
    return {
      sandbox,
      run,
      async [Symbol.asyncDispose]() {
        await sandbox.terminate()
        await run.end('completed')
      },
    }
  } catch (error) {
    await run.end('failed', error)
    throw error
  }
}
const anew = (config?: SandboxConfig, seed?: number) => begin((...given) => Sandbox.start(...given), config, seed)
const from = (which: string | Snapshot, config?: SandboxConfig, seed?: number) =>
  begin((...given) => Sandbox.fromSnapshot(which, ...given), config, seed)

const workspace = (more: object = {}) => new Workspace({ preloadModels: false, ...more })
async function says(session: NotebookSession, code: string): Promise<string> {
  const { status, text } = await session.exec(code)
  if (status !== 'ok') throw new Error(`the cell ended with ${status}: ${text}`)
  return text.trim()
}
async function eventsOf<T extends EventType>(run: Run, type: T): Promise<EventOf<T>[]> {
  const { events } = await readEvents(join(run.folder, 'events.jsonl'))
  return events.filter((event): event is EventOf<T> => event.type === type)
}
async function restart({ run }: Began, { tools }: NotebookSession): Promise<void> {
  const context = { emit: run.emit, by: 'agent:a' as const, signal: run.signal, storeArtifact: run.storeArtifact }
  const { isError, content } = await runTool(tools, { id: 't1', name: 'restart_kernel', input: {} }, context)
  if (isError) throw new Error(JSON.stringify(content))
}
const noticesOf = async (run: Run) => (await eventsOf(run, 'notice-add')).map(({ code, text }) => `${code}: ${text}`)
const runsIn = async (run: Run) => (await eventsOf(run, 'cell-start')).map(({ code, by }) => `${by}: ${code}`)

/** As somebody would who knows how it is made. */
function rewrite({ path }: Snapshot, change: (record: SnapshotRecord) => unknown): void {
  const file = join(path, 'snapshot.json')
  const { digest: _, ...record } = JSON.parse(readFileSync(file, 'utf8')) as SnapshotRecord & { digest: string }
  change(record)
  writeFileSync(file, JSON.stringify({ digest: digestOf(record), ...record }))
}

const library = Library.fromCode('helpers', 'def double(x): return 2 * x')
const withHelpers = { libraries: [library], customInitCode: 'import numpy, random, helpers\nN = 3' }

describe('an experiment in the middle', () => {
  let snapshot: Snapshot
  let next: string
  let cells: string[]
  const DRAW = 'print(numpy.random.rand(2).tolist(), random.random())'

  beforeAll(async () => {
    await using one = await anew({}, 7)
    const session = await createNotebookSession(one.sandbox, workspace(withHelpers))
    await says(session, 'lost = 1')
    await restart(one, session)
    await says(session, `drawn = numpy.random.rand(N).tolist(); random.random()`)
    await session.exec('drawn = 1 / 0')
    await says(session, `import os\nos.makedirs('out'); open('out/a.txt', 'w').write(str(helpers.double(21)))`)
    snapshot = await one.sandbox.snapshot('in the middle')
    next = await says(session, `print(drawn)\n${DRAW}`)
    cells = snapshot.replay.map(({ code }) => code)
  })

  test('the snapshot has what the last kernel ran well', () => {
    expect(cells.map((code) => code.split('\n')[0])).toEqual([
      'import numpy, random, helpers',
      'drawn = numpy.random.rand(N).tolist(); random.random()',
      'import os',
    ])
    expect(snapshot).toMatchObject({ name: 'in the middle', files: 1, skipped: [] })
  })

  test('files, variables and draws go on where they were; the log says what it began with', async () => {
    await using two = await from('in the middle', {}, 7)
    expect(Buffer.from(await two.sandbox.readFile('out/a.txt')).toString()).toBe('42')
    rmSyncInside(two, 'out')
    const session = await createNotebookSession(two.sandbox, workspace(withHelpers), { replay: true })
    expect(await says(session, `print(drawn)\n${DRAW}`)).toBe(next)
    expect(await says(session, `print('lost' in globals(), os.getcwd())`)).toBe('False /workspace')
    expect((await eventsOf(two.run, 'sandbox-start')).map(({ snapshot: id }) => id)).toEqual([snapshot.id])
    expect(await runsIn(two.run)).toEqual([
      'setup: seer.setup()',
      ...cells.map((code) => `setup: ${code}`),
      `researcher: print(drawn)\n${DRAW}`,
      `researcher: print('lost' in globals(), os.getcwd())`,
    ])
    expect(await noticesOf(two.run)).toEqual([])
  })

  test('after a restart the cells are run again; a snapshot of it has them, too', async () => {
    await using two = await from(snapshot, {}, 7)
    rmSyncInside(two, 'out')
    const session = await createNotebookSession(two.sandbox, workspace(withHelpers), { replay: 's1' })
    await says(session, 'shutil = __import__("shutil"); shutil.rmtree("out")')
    await restart(two, session)
    expect(await says(session, `print(drawn)\n${DRAW}`)).toBe(next)
    const { replay } = await two.sandbox.snapshot('of a snapshot')
    expect(replay.map(({ code }) => code).slice(0, 3)).toEqual(cells)
  })

  test('another seed is told, since draws will differ', async () => {
    await using two = await from(snapshot, {}, 8)
    expect(await noticesOf(two.run)).toEqual([expect.stringMatching(/^snapshot-differs: .*Its seed is 8, and was 7/)])
  })

  test('a cell that fails now is named, and the session does not start', async () => {
    await using two = await from(snapshot, {}, 7)
    const missing = createNotebookSession(two.sandbox, workspace({ customInitCode: 'pass' }), { replay: true })
    await expect(missing).rejects.toMatchObject({
      code: 'replay-failed',
      message: /session s1 had ended well.*No module named 'helpers'/s,
    })
    expect(await eventsOf(two.run, 'session-end')).toHaveLength(1)
  })

  test('other packages are told, with names and versions, and the run goes on', async () => {
    const before = readFileSync(join(snapshot.path, 'snapshot.json'))
    rewrite(snapshot, ({ environment }) => {
      environment.lock = environment.lock.replace(/^numpy==.*$/m, 'numpy==1.0.0').replace(/^torch==.*\n/m, '')
    })
    await using two = await from(snapshot, {}, 7)
    const [notice] = await noticesOf(two.run)
    expect(notice).toMatch(/^snapshot-differs: .*packages are others: numpy \S+, was 1\.0\.0, torch \S+ is new\.$/)
    writeFileSync(join(snapshot.path, 'snapshot.json'), before)
  })

  test('other weights, and a damaged file, are refused before anything starts', async () => {
    const before = readFileSync(join(snapshot.path, 'snapshot.json'))
    const weights = { name: 'embedded', weightsSha256: 'f'.repeat(64), weightsHashFrom: 'read' as const }
    rewrite(snapshot, ({ models }) => models.push({ varName: 'model', ...weights }))
    const models = [{ name: 'embedded' }]
    await expect(from(snapshot, { models })).rejects.toMatchObject({ code: 'snapshot-other-weights' })
    writeFileSync(join(snapshot.path, 'snapshot.json'), before)
    await using _ = await from(snapshot, { models }, 7)
  })

  test('without a wall, and from there behind one again', async () => {
    await using open = await from(snapshot, { unconfined: true }, 7)
    const session = await createNotebookSession(open.sandbox, workspace())
    expect(await says(session, `print(open('out/a.txt').read()); _ = open('b.txt', 'w').write('b')`)).toBe('42')
    const other = await open.sandbox.snapshot('without a wall')
    await using walled = await from(other, {}, 7)
    const inside = await createNotebookSession(walled.sandbox, workspace())
    expect(
      await says(
        inside,
        `print(open('out/a.txt').read(), open('b.txt').read()); _ = open('out/a.txt', 'a').write('!')`,
      ),
    ).toBe('42 b')
  })

  test('what the configuration names lies there as it is here, whatever the snapshot has', async () => {
    const data = join(newFolder(), 'a.txt')
    writeFileSync(data, 'from here')
    await using two = await from(snapshot, { localFiles: [[data, '/workspace/out/a.txt']] }, 7)
    expect(Buffer.from(await two.sandbox.readFile('out/a.txt')).toString()).toBe('from here')
  })
})

test('a replay needs a snapshot, and of several sessions a name', async () => {
  await using one = await anew()
  const nothing = createNotebookSession(one.sandbox, workspace(), { replay: true })
  await expect(nothing).rejects.toMatchObject({ code: 'invalid-options' })
  for (const n of [1, 2]) await says(await createNotebookSession(one.sandbox, workspace()), `n = ${n}`)
  await using two = await from(await one.sandbox.snapshot('two sessions'))
  const unclear = createNotebookSession(two.sandbox, workspace(), { replay: true })
  await expect(unclear).rejects.toMatchObject({ code: 'replay-unclear' })
  const session = await createNotebookSession(two.sandbox, workspace(), { replay: 's2' })
  expect(await says(session, 'print(n)')).toBe('2')
})

test('a snapshot while code runs and changes files; its end is not waited for', async () => {
  await using one = await anew()
  const session = await createNotebookSession(one.sandbox, workspace())
  const running = session.exec(`import os, time
open('ready', 'w').close()
while not os.path.exists('stop'):
    open('log', 'a').write('x' * 10000)
    for i in range(20): os.makedirs(f'd{i}/e', exist_ok=True); os.rename(f'd{i}', f'm{i}') if not os.path.exists(f'm{i}') else os.removedirs(f'd{i}/e')`)
  await vi.waitFor(() => one.sandbox.readFile('ready'), 10_000)
  const snapshot = await one.sandbox.snapshot('while it runs')
  await one.sandbox.writeFile('stop', '')
  expect((await running).status).toBe('ok')
  expect(snapshot.replay).toEqual([])
  await using two = await from(snapshot)
  expect((await two.sandbox.readFile('log')).length % 10).toBe(0)
})

test('a damaged snapshot starts nothing', async () => {
  await using one = await anew()
  await one.sandbox.writeFile('f', 'text')
  const snapshot = await one.sandbox.snapshot('to be damaged')
  rmSync(join(snapshot.path, 'blobs'), { recursive: true })
  mkdirSync(join(snapshot.path, 'blobs'))
  const damaged = { code: 'snapshot-damaged', message: /"f" is missing/ }
  await expect(Sandbox.fromSnapshot(snapshot)).rejects.toMatchObject(damaged)
  await expect(Sandbox.fromSnapshot('none')).rejects.toMatchObject({ code: 'snapshot-unknown' })
})

/** The replayed cells make it anew. */
function rmSyncInside({ run }: Began, name: string): void {
  const log = readFileSync(join(run.folder, 'events.jsonl'), 'utf8')
  const sources = /"sources":"([^"]+)"/.exec(log)![1]!
  rmSync(join(sources, 'workspace', name), { recursive: true })
}
