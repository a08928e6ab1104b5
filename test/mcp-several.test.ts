/** Several at the server of one session: calls at once, and a second sandbox in the same run. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { createNotebookSession } from '../src/session/notebook-session.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { connected, textOf } from './fixtures/mcp-client.ts'
import { logOf } from './fixtures/run-folder.ts'
import { startOwnTried } from './fixtures/walled.ts'

let tried: Awaited<ReturnType<typeof startOwnTried>>
beforeAll(async () => void (tried = await startOwnTried()))
afterAll(() => tried[Symbol.asyncDispose]())

const log = () => logOf(tried.run.folder)
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, 20_000)
const client = (name: string) => connected(tried.session.mcpConfig, { name })
const cells = async () => (await log()).of('cell-start')
const began = (code: string) =>
  soon(async () => {
    const cell = (await cells()).find((event) => event.code === code)?.cell
    if (cell === undefined) throw new Error('it has not begun')
    return cell
  })
const endOf = async (cell: string) => (await log()).of('cell-end').find((event) => event.cell === cell)?.status

/** Goes on until a file is there. */
const until = (file: string) => `import os, time\nwhile not os.path.exists("${file}"): time.sleep(0.05)\nprint("whole")`
const release = (file: string) => tried.sandbox.writeFile(file, Buffer.from(''))

test('a call that is cancelled stops its own cell, and not the one before it', async () => {
  await using one = await client('single')
  const first = until('first')
  const second = 'import time\ntime.sleep(60)'
  const call = one.call('execute_code', { code: first })
  const cell = await began(first)
  const stop = new AbortController()
  const behind = one.call('execute_code', { code: second }, { signal: stop.signal })
  const queued = await began(second)
  stop.abort()
  await expect(behind).rejects.toThrow(/abort/i)
  await soon(async () => expect((await log()).of('tool-end').at(-1)).toMatchObject({ isError: true }))
  expect(await endOf(cell)).toBeUndefined()
  await release('first')
  expect(textOf(await call)).toBe(`[${cell}] ok.\nwhole`)
  await soon(async () => expect(await endOf(queued)).toBe('error'))
})

test('what runs in another sandbox of the run is not in the notebook that it reads', async () => {
  const other = await Sandbox.start({}, { run: tried.run, progress: () => undefined })
  onTestFinished(() => other.terminate())
  const elsewhere = await createNotebookSession(other, new Workspace({ preloadModels: false }))
  await elsewhere.exec('print("from else" + "where")')
  await tried.session.exec('print("from he" + "re")')
  const read = async (session: typeof elsewhere) => {
    await using one = await connected(session.mcpConfig)
    const { contents } = await one.client.readResource({ uri: 'seer://notebook.ipynb' })
    return /from (here|elsewhere)/g[Symbol.match]((contents[0] as { text: string }).text)
  }
  expect(await read(tried.session)).toEqual(['from here'])
  expect(await read(elsewhere)).toEqual(['from elsewhere'])
})
