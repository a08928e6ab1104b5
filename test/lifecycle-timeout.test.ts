/** A sandbox whose time is over: who is told, what is kept, and how it ends. The tests shorten the time; nothing else is changed. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GRACE_SECONDS } from '../src/environment/sandbox-timeout.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import { claudeProvider } from '../src/harness/claude.ts'
import { runAgent } from '../src/harness/run-agent.ts'
import { Run } from '../src/run/run.ts'
import { createNotebookSession } from '../src/session/notebook-session.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { cell, script } from './fixtures/agent-script.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { remainsIn, type Remains } from './fixtures/remains.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState } from './fixtures/walled.ts'
import { loopbackMessages } from './loopback-messages.ts'

let root: string
let remains: Remains
let run: Run
beforeEach(() => {
  root = ownState()
  remains = remainsIn(root)
  run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
})
afterEach(async () => {
  await run.end('completed')
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

async function startedAlone(timeoutSeconds: number): Promise<Sandbox> {
  const sandbox = await new Sandbox({ timeout: 60 }, { run, progress: () => undefined }, { timeoutSeconds }).start()
  remains.look()
  return sandbox
}

async function started(timeoutSeconds: number) {
  const sandbox = await startedAlone(timeoutSeconds)
  return { sandbox, session: await createNotebookSession(sandbox, new Workspace({ preloadModels: false })) }
}

const notices = async () => (await logOf(run.folder)).of('notice-add')
const ended = () => until('its end', async () => (await logOf(run.folder)).of('sandbox-end').length > 0)

test('the researcher is told ahead; its files are kept; whoever waits is told why, and nothing is left', async () => {
  const { sandbox, session } = await started(6)
  const { sandboxId: id } = sandbox
  await session.exec('open("work.txt", "w").write("of an hour")')
  const waiting = session.exec('print("begun", flush=True)\nimport time\ntime.sleep(1000)')
  const timedOut = {
    code: 'sandbox-timeout',
    endsRun: true,
    message: 'The sandbox has ended: its timeout of 60 s was over.',
    hint: expect.stringMatching(`larger \`timeout\`.*fromSnapshot\\('${id}-timeout'\\)`) as string,
  }
  await expect(waiting).rejects.toMatchObject(timedOut)
  await expect(session.exec('1')).rejects.toMatchObject(timedOut)
  await ended()
  await expect(sandbox.readFile('work.txt')).rejects.toMatchObject(timedOut)
  await expect(createNotebookSession(sandbox, new Workspace())).rejects.toMatchObject(timedOut)
  await expect(sandbox.detach()).rejects.toMatchObject(timedOut)
  expect(remains.found()).toEqual([])

  const log = await logOf(run.folder)
  expect(log.printed('c3')).toBe('begun\n')
  expect(log.of('cell-end').at(-1)).toMatchObject({ cell: 'c3', status: 'stopped' })
  expect(log.of('sandbox-end')).toMatchObject([{ sandbox: id, reason: 'its timeout of 60 s was over' }])
  const [near, ...others] = log.of('notice-add')
  expect([near?.code, near?.level, near?.sandbox, others]).toEqual(['timeout-near', 'warning', id, []])
  expect(log.of('snapshot-save')).toMatchObject([{ name: `${id}-timeout`, files: 1 }])
  expect(log.events.map(({ type }) => type).slice(-2)).toEqual(['snapshot-save', 'sandbox-end'])

  // It has ended already, and once.
  await Promise.all([sandbox.terminate(), sandbox.terminate()])
  expect((await logOf(run.folder)).of('sandbox-end')).toHaveLength(1)
  await using again = await Sandbox.fromSnapshot(`${id}-timeout`, {}, { run, progress: () => undefined })
  expect(Buffer.from(await again.readFile('work.txt')).toString()).toBe('of an hour')
})

test('files that cannot be kept do not keep it from its end, and are a notice', async () => {
  mkdirSync(join(root, 'state/seer'), { recursive: true })
  writeFileSync(join(root, 'state/seer/snapshots'), 'in the way')
  const sandbox = await startedAlone(2)
  await ended()
  expect((await notices()).map(({ code }) => code)).toEqual(['timeout-near', 'snapshot-failed'])
  expect((await notices())[1]?.text).toMatch(/could not be kept.*snapshots/)
  await sandbox.terminate()
  expect(remains.found()).toEqual([])
})

test('one that ends before its time has no more to say', async () => {
  const sandbox = await startedAlone(2.5)
  await sandbox.terminate()
  const before = run.lastSeq
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(run.lastSeq).toBe(before)
  expect(readdirSync(join(root, 'state/seer'))).toEqual(['sandboxes'])
})

test('where there is no Seer any more, the host ends it a little later', async () => {
  const sandbox = await startedAlone(30)
  const { endsInSeconds } = await sandbox.connection.request('host/hello', {})
  expect(endsInSeconds).toBeGreaterThan(60 + GRACE_SECONDS - 15)
  expect(endsInSeconds).toBeLessThanOrEqual(60 + GRACE_SECONDS)
  await sandbox.terminate()
})

test('an agent is told before it is asked the next time; its next call ends with the reason', async () => {
  const { sandbox, session } = await started(10)
  const waits = (n: number) => cell(`import time\ntime.sleep(0.3) # ${n}`)
  await using api = await loopbackMessages(script(...Array.from({ length: 60 }, (_, n) => waits(n))))
  const provider = claudeProvider({
    model: 'claude-sonnet-5-5',
    apiKey: 'a-key-of-the-test',
    baseURL: api.url,
    env: {},
  })
  const { mcpConfig } = session
  const working = (async () => {
    for await (const _ of runAgent({ prompt: 'P', mcpConfig, provider, run, quiet: true, budgetUsd: 'none' }));
  })()
  await expect(working).rejects.toMatchObject({ code: 'sandbox-timeout' })
  const log = await logOf(run.folder)
  const told = log.of('agent-message').filter(({ role, by }) => role === 'user' && by === 'system')
  expect(told.map(({ text }) => text)).toEqual(['Begin.', expect.stringMatching(/^In [01]\.\d s your sandbox ends/)])
  expect(
    api.requests.filter((request) => JSON.stringify(request).includes('your sandbox ends')).length,
  ).toBeGreaterThan(0)
  expect(api.violations).toEqual([])
  // What its tools say is what they always say.
  expect(log.of('tool-end').every(({ content }) => !JSON.stringify(content).includes('sandbox ends'))).toBe(true)
  await sandbox.terminate()
})
