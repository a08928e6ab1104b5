/** Sessions that end, or never began: nothing of them stays in a sandbox that goes on, and nothing runs in them any more. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { createCliSession } from '../src/session/cli-session.ts'
import { createNotebookSession } from '../src/session/notebook-session.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { newRun } from './fixtures/memory-run.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
beforeAll(() => void (root = ownState()))
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const kernels = () => processesOf(root).filter(({ kind }) => kind === 'kernel').length
const start = (run: ReturnType<typeof newRun>) =>
  Sandbox.start({ unconfined: true }, { run, progress: () => undefined })

test('one whose set-up fails leaves no kernel, and another can be opened', async () => {
  const run = newRun()
  await using sandbox = await start(run)
  const broken = new Workspace({ customInitCode: 'kept = bytearray(10)\nraise ValueError("not this way")' })
  await expect(createNotebookSession(sandbox, broken)).rejects.toThrow(/not this way/)
  await until('its kernel to end', () => kernels() === 0, 10_000)
  const log = await logOf(run.folder)
  expect(log.of('session-end')).toMatchObject([{ session: 's1', reason: 'its set-up failed' }])
  const session = await createNotebookSession(sandbox, new Workspace())
  expect(await session.exec('print("kept" in dir())')).toMatchObject({ status: 'ok', text: 'False' })
  expect(kernels()).toBe(1)
})

test('one that was terminated runs nothing any more, and says so', async () => {
  const run = newRun()
  await using sandbox = await start(run)
  const notebook = await createNotebookSession(sandbox, new Workspace())
  const shell = await createCliSession(sandbox)
  await Promise.all([notebook.terminate(), shell.terminate()])
  const { events } = await logOf(run.folder)
  const ended = { code: 'session-ended', message: expect.stringContaining('has been terminated') as string }
  await expect(notebook.exec('print(1)')).rejects.toMatchObject(ended)
  await expect(shell.exec('print(1)')).rejects.toMatchObject(ended)
  await expect(shell.execShell('echo 1')).rejects.toMatchObject(ended)
  expect((await logOf(run.folder)).events).toHaveLength(events.length)
})

test('one of commands can be terminated after its run', async () => {
  const run = newRun()
  const sandbox = await start(run)
  const shell = await createCliSession(sandbox)
  await run.end('completed')
  await expect(shell.terminate()).resolves.toBeUndefined()
})
