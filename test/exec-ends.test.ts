/** Processes in sandboxes that end, with whatever they belong to: none is left without an end in the log. */
import { spawn } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { Run } from '../src/run/run.ts'
import { failure, startedForExec } from './fixtures/exec-sandbox.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { isAlive, killAll, processesOf, until } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState } from './fixtures/walled.ts'

let root: string

beforeAll(() => {
  root = ownState()
})
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const host = () => processesOf(root).find(({ kind }) => kind === 'host')!.pid

test('the sandbox ends: whoever waits is told, and the log has the end before that of the sandbox', async () => {
  const { sandbox, run, log } = await startedForExec()
  const waiting = failure(sandbox.exec('echo waited for; sleep 1000'))
  const spawned = await sandbox.spawn('echo spawned; sleep 1000')
  const reading = failure(
    (async () => {
      for await (const _ of spawned.output);
    })(),
  )
  await until('both', async () => (await log()).of('process-start').length === 2)
  await sleep(300)
  await run.end('completed')
  for (const error of [await waiting, await failure(spawned.ended)])
    expect(error).toMatchObject({ code: 'sandbox-terminated' })
  await reading
  const facts = await log()
  const { events } = facts
  expect(facts.of('process-end')).toHaveLength(2)
  for (const end of facts.of('process-end'))
    expect(end).toMatchObject({ signal: 'SIGTERM', because: 'the sandbox ended' })
  const types = events.map(({ type }) => type)
  expect(types.slice(-2)).toEqual(['sandbox-end', 'run-end'])
  expect(types.lastIndexOf('process-end')).toBeLessThan(types.indexOf('sandbox-end'))
  expect(await failure(sandbox.exec('true'))).toMatchObject({ code: 'sandbox-terminated' })
})

test('the run is stopped: it ends at once, with the run’s reason', async () => {
  const stop = new AbortController()
  const run = Run.create(newFolder(), START, stop.signal)
  const sandbox = await Sandbox.start({ unconfined: true }, { run, progress: () => undefined })
  const { ended } = await sandbox.spawn('sleep 1000')
  const waiting = failure(ended)
  await until('it', () => processesOf(root).some(({ command }) => command === 'sleep 1000'))
  const { pid } = processesOf(root).find(({ command }) => command === 'sleep 1000')!
  stop.abort(new Error('stopped'))
  expect(await waiting).toMatchObject({ message: 'stopped' })
  await until('its end', () => !isAlive(pid), 5000)
  await run.end('interrupted')
  expect((await logOf(run.folder)).of('process-end')).toMatchObject([{ because: 'it was asked to end' }])
})

test('the host is killed: whoever waits is told, and the log has an end', async () => {
  const { sandbox, run, log } = await startedForExec()
  const { output, ended } = await sandbox.spawn('echo one; sleep 1000')
  const waiting = failure(ended)
  const parts = output[Symbol.asyncIterator]()
  expect(await parts.next()).toMatchObject({ value: { text: 'one\n' } })
  const reading = failure(parts.next())
  process.kill(host(), 'SIGKILL')
  expect(await waiting).toMatchObject({ code: 'sandbox-lost', endsRun: true })
  await reading
  expect((await log()).of('process-end')).toMatchObject([
    {
      exitCode: null,
      stdout: 'one\n',
      because: expect.stringMatching(/^its end is not known: The sandbox is gone/) as string,
    },
  ])
  await sandbox.terminate().catch(() => undefined)
  await run.end('failed').catch(() => undefined)
})

test('a script that only started something ends with it', async () => {
  const source = JSON.stringify(join(import.meta.dirname, '../src/index.ts'))
  const code = `import { Sandbox } from ${source}
await using sandbox = await Sandbox.start({ unconfined: true })
const { ended } = await sandbox.spawn('sleep 1000')
ended.catch(() => undefined)
console.log(await sandbox.exec('echo from the script'))`
  const cwd = newFolder()
  const script = spawn(process.execPath, ['--conditions=seer-source', '--input-type=module-typescript', '-e', code], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  script.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const exitCode = await new Promise((resolve) => script.once('close', resolve))
  expect(said).toContain('from the script')
  expect(exitCode).toBe(0)
  const [name] = readdirSync(join(cwd, 'outputs'))
  const facts = await logOf(join(cwd, 'outputs', name!))
  expect(facts.of('process-start')).toHaveLength(2)
  expect(facts.of('process-end')).toHaveLength(2)
})
