/** A sandbox is let go by one process, and another one goes on with it. */
import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { attachSandbox } from '../src/environment/attach-sandbox.ts'
import { endSandbox, terminated } from '../src/environment/end-sandbox.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import type { SandboxConfig } from '../src/environment/sandbox-config.ts'
import { acquireLock } from '../src/run/lock.ts'
import { Run } from '../src/run/run.ts'
import { createNotebookSession, type NotebookSession } from '../src/session/notebook-session.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { kernelsOf } from './fixtures/kernels.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { isAlive, killAll, processesOf, until } from './fixtures/processes.ts'
import { remainsIn } from './fixtures/remains.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
const runs: Run[] = []
beforeEach(() => void (root = ownState()))
afterEach(async () => {
  for (const run of runs.splice(0)) await run.end('completed')
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

function newRun(start: Partial<typeof START> = {}): Run {
  const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap', ...start })
  runs.push(run)
  return run
}

const quiet = { progress: () => undefined }
const start = (run: Run, config: SandboxConfig = {}) => Sandbox.start(config, { run, ...quiet })
const attach = (id: string, run = newRun()) => Sandbox.attach(id, { run, ...quiet })
const open = (sandbox: Sandbox) => createNotebookSession(sandbox, new Workspace({ preloadModels: false }))
const says = async (session: NotebookSession, code: string) => (await session.exec(code)).text.trim()
const folderOf = (id: string) => join(root, 'state/seer/sandboxes', id)
const hostOf = (id: string) =>
  (JSON.parse(readFileSync(join(folderOf(id), 'host.json'), 'utf8')) as { pid: number }).pid

/** One that was let go, with a file in it. */
async function detached(config: SandboxConfig = {}, keep = 600): Promise<string> {
  const run = newRun({ confinement: config.unconfined ? 'none' : 'bubblewrap' })
  const sandbox = await start(run, config)
  await sandbox.writeFile('kept.txt', 'kept')
  await sandbox.detach({ keep })
  return sandbox.sandboxId
}

function change(id: string, fields: object): void {
  const path = join(folderOf(id), 'sandbox.json')
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields }))
}

describe('letting go', () => {
  test('its log has all that was printed, which cell went on, and that it lives on; whoever uses it is told', async () => {
    const run = newRun()
    const sandbox = await start(run, { timeout: 300 })
    const session = await open(sandbox)
    const waiting = session.exec('for n in range(2000): print(n)\nimport time; time.sleep(1000)')
    const told = waiting.catch((error: unknown) => error)
    await until('its output', async () => (await logOf(run.folder)).printed('c2').includes('1999\n'))
    await sandbox.detach()
    expect(await told).toMatchObject({ code: 'sandbox-detached', endsRun: true })
    const log = await logOf(run.folder)
    expect(log.of('cell-end').filter(({ cell }) => cell === 'c2')).toEqual([])
    expect(log.of('session-detach')).toMatchObject([{ session: 's1', cells: ['c2'] }])
    expect(log.events.at(-1)).toMatchObject({
      type: 'sandbox-end',
      reason: expect.stringMatching(/^detached: .* (29\d|300) s$/) as string,
    })
    expect(existsSync(join(folderOf(sandbox.sandboxId), 'run-folder'))).toBe(false)
    const again = { code: 'sandbox-detached', hint: `\`Sandbox.attach('${sandbox.sandboxId}')\` takes it up again.` }
    await expect(session.exec('1')).rejects.toMatchObject(again)
    await expect(sandbox.readFile('kept.txt')).rejects.toMatchObject(again)
    // `await using` does not end it.
    await sandbox.terminate()
    expect(isAlive(hostOf(sandbox.sandboxId))).toBe(true)
    await (await attach(sandbox.sandboxId)).terminate()
  })

  test.each([
    ['as long as was said', 100, 100],
    ['not longer than its timeout', 100_000, 300],
    ['its timeout, if nothing was said', undefined, 300],
  ])('it waits %s', async (_, keep, seconds) => {
    const sandbox = await start(newRun(), { timeout: 300 })
    await sandbox.detach(keep === undefined ? {} : { keep })
    const log = await logOf(sandbox.run.folder)
    const said = Number(/(\d+) s$/.exec(log.of('sandbox-end')[0]!.reason)![1])
    expect(seconds - said).toBeGreaterThanOrEqual(0)
    expect(seconds - said).toBeLessThan(15)
    await (await attach(sandbox.sandboxId)).terminate()
  })

  test('what cannot be: a wrong option, twice, after its end, a host that is gone', async () => {
    const sandbox = await start(newRun())
    await expect(sandbox.detach({ keep: 0 })).rejects.toMatchObject({ code: 'invalid-options' })
    await expect(sandbox.detach({ keeep: 1 } as object)).rejects.toThrow(/keeep/)
    const [first, second] = [sandbox.detach(), sandbox.detach()]
    await Promise.all([first, expect(second).rejects.toMatchObject({ code: 'sandbox-detached' })])
    await (await attach(sandbox.sandboxId)).terminate()

    const ended = await start(newRun())
    await ended.terminate()
    await expect(ended.detach()).rejects.toMatchObject({ code: 'sandbox-terminated' })

    const gone = await start(newRun())
    process.kill(hostOf(gone.sandboxId), 'SIGKILL')
    await expect(gone.detach()).rejects.toMatchObject({ code: 'sandbox-lost' })
    await gone.terminate()
    expect(existsSync(folderOf(gone.sandboxId))).toBe(false)
  })
})

describe('going on', () => {
  test('with its files; where no session lives on, with a new wall and a new kernel, whose records are all that the log has', async () => {
    const sandbox = await start(newRun(), { env: { OF_THE_SANDBOX: 'yes' } })
    const first = await open(sandbox)
    await says(first, 'open("kept.txt", "w").write("kept"); open("/tmp/too", "w").write("too"); x = 1')
    await first.terminate()
    await sandbox.detach()

    const run = newRun()
    const again = await attach(sandbox.sandboxId, run)
    expect(again.workspacePath).toBe('/workspace')
    expect(Buffer.from(await again.readFile('kept.txt')).toString()).toBe('kept')
    const [second, third] = [await open(again), await open(again)]
    const code =
      'import os; print(open("kept.txt").read(), os.path.exists("/tmp/too"), os.environ["OF_THE_SANDBOX"], "x" in dir())'
    expect([await says(second, code), await says(third, code)]).toEqual([
      'kept False yes False',
      'kept False yes False',
    ])
    expect([first, second, third].map(({ sessionId }) => sessionId)).toEqual(['s1', 's1-2', 's2-2'])
    for (const one of [second, third]) await one.terminate()
    await again.detach()

    const last = await attach(sandbox.sandboxId, run)
    const fourth = await open(last)
    expect([fourth.sessionId, await says(fourth, code)]).toEqual(['s3-3', 'kept False yes False'])
    await last.terminate()
    const log = await logOf(run.folder)
    const starts = log.of('sandbox-start')
    expect(starts.map((event) => event.attached)).toEqual([true, true])
    expect(starts.map(({ attach: { fromSeq } }) => Number(fromSeq) > 0)).toEqual([true, true])
    expect(new Set(log.events.flatMap((event) => event.session ?? []))).toEqual(new Set(['s1-2', 's2-2', 's3-3']))
    expect([log.of('output-lost'), log.of('notice-add')]).toEqual([[], []])
    expect(log.of('sandbox-end').map(({ reason }) => reason.split(':')[0])).toEqual(['detached', 'terminated'])
    expect(remainsIn(root).found()).toEqual([])
  })

  test('its timeout goes on where it was', async () => {
    const sandbox = await start(newRun(), { timeout: 300 })
    await sleep(3000)
    await sandbox.detach()
    const use = { run: newRun(), release: () => Promise.resolve() }
    const again = await attachSandbox(sandbox.sandboxId, use, {})
    const left = again.endsAt - uptime()
    expect([left < 298, left > 270]).toEqual([true, true])
    await endSandbox(again, terminated())
  })

  test('with one that a script left when it ended, while its lease lasts: what still ran in it ends', async () => {
    const run = newRun()
    const sandbox = await start(run)
    const session = await open(sandbox)
    await says(
      session,
      'import threading, time\ndef loop():\n    while True: print("tick", flush=True); time.sleep(0.05)\nthreading.Thread(target=loop).start()',
    )
    run.endNow('completed')
    sandbox.connection.close()
    const other = newRun()
    const again = await attach(sandbox.sandboxId, other)
    expect(await says(await open(again), 'print("mine")')).toBe('mine')
    expect(kernelsOf(hostOf(sandbox.sandboxId))).toHaveLength(1)
    await sleep(300)
    await again.terminate()
    const log = await logOf(other.folder)
    expect(JSON.stringify(log.events)).not.toContain('tick')
    expect([log.of('output-lost'), log.of('kernel-dead').map((event) => event.session)]).toEqual([[], ['s1-2']])
  })

  test('one of two that try at once', async () => {
    const id = await detached()
    const tries = await Promise.allSettled([attach(id), attach(id), attach(id)])
    const won = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const lost = tries.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []))
    expect([won.length, lost]).toEqual([1, ['sandbox-in-use', 'sandbox-in-use']])
    await won[0]!.terminate()
  })

  test('nobody while another process takes it up, or takes it away', async () => {
    const id = await detached()
    const lock = acquireLock(folderOf(id))
    await expect(attach(id)).rejects.toMatchObject({ code: 'sandbox-in-use' })
    lock.release()
    await (await attach(id)).terminate()
  })

  test('its secrets are hidden again, and asked for by name', async () => {
    vi.stubEnv('A_SECRET', 'correct horse battery')
    const id = await detached({ secrets: ['A_SECRET'] })
    expect(readFileSync(join(folderOf(id), 'sandbox.json'), 'utf8')).not.toContain('correct horse')
    vi.stubEnv('A_SECRET', undefined)
    await expect(attach(id)).rejects.toMatchObject({
      code: 'secret-missing',
      message: expect.stringContaining('A_SECRET') as string,
    })
    vi.stubEnv('A_SECRET', 'correct horse battery')
    const run = newRun()
    const again = await attach(id, run)
    expect(await says(await open(again), 'import os; print(os.environ["A_SECRET"])')).toBe('[secret A_SECRET]')
    await again.terminate()
    expect(readFileSync(join(run.folder, 'events.jsonl'), 'utf8')).not.toContain('correct horse')
  })
})

describe('what nobody can go on with, and why', () => {
  const refused = (id: string, run = newRun()) =>
    attach(id, run).then(
      () => {
        throw new Error('it was attached')
      },
      (error: unknown) => error as { code: string; message: string; hint?: string },
    )

  test.each(['sb-0000000000', '../../etc', '', 'latest'])('there is none: %j', async (id) => {
    const other = await detached()
    const error = await refused(id)
    expect(error).toMatchObject({ code: 'sandbox-unknown', hint: expect.stringContaining(other) as string })
  })

  test('it is used by a living run: which one, and by whom', async () => {
    const run = newRun()
    const sandbox = await start(run)
    const error = await refused(sandbox.sandboxId)
    expect(error.code).toBe('sandbox-in-use')
    expect(error.message).toContain(`${run.id}, which process ${process.pid} writes`)
    expect(error.hint).toMatch(/`seer attach .*`seer mcp /)
    expect(error.hint).toContain('detach()')
    await sandbox.terminate()
  })

  test('it has ended: its lease was over, and nobody had come', async () => {
    const id = await detached({}, 1)
    const host = hostOf(id)
    await until('its end', () => !isAlive(host))
    expect(await refused(id)).toMatchObject({ code: 'sandbox-ended' })
  })

  test.each([
    ['another version of Seer', { protocol: 1 }, 'protocol-version'],
    ['another machine on the same disk', { machine: 'elsewhere' }, 'sandbox-elsewhere'],
    ['a file that cannot be read', { id: 5 }, 'sandbox-unknown'],
    ['a folder that was copied', { attach: { stateDir: '/elsewhere' } }, 'sandbox-unknown'],
  ])('%s', async (_, fields, code) => {
    const id = await detached()
    change(id, fields)
    expect(await refused(id)).toMatchObject({ code })
  })

  test.runIf(process.getuid?.() === 0)('another user’s', async () => {
    const id = await detached()
    chownSync(folderOf(id), 4242, 4242)
    expect(await refused(id)).toMatchObject({ code: 'sandbox-foreign' })
    chownSync(folderOf(id), 0, 0)
  })

  test('one that is not confined, for a run of which that was not typed; it is still there for others', async () => {
    const id = await detached({ unconfined: true })
    const error = await refused(id, newRun({ provider: 'claude' }))
    expect(error.code).toBe('unconfined-not-typed')
    await (await attach(id, newRun({ provider: 'claude', confinement: 'none' }))).detach()
    await (await attach(id, newRun())).terminate()
  })

  test('whoever could not go on with it gives it back', async () => {
    const id = await detached()
    const stopped = AbortSignal.abort()
    await expect(Sandbox.attach(id, { run: newRun(), signal: stopped })).rejects.toMatchObject({ name: 'AbortError' })
    const closed = newRun()
    await closed.end('completed')
    await expect(attach(id, closed)).rejects.toMatchObject({ code: 'run-ended' })
    const again = await attach(id)
    expect(Buffer.from(await again.readFile('kept.txt')).toString()).toBe('kept')
    // Two were in vain: none of their sessions may ever be another's.
    expect((await open(again)).sessionId).toMatch(/^s1-[34]$/)
    await again.terminate()
  })
})
