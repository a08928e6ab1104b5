/** A start that fails leaves nothing behind, whatever step it fails at and for whatever reason; and the log says how it ended. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cacheRoot } from '../src/environment/cache.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import type { SandboxConfig } from '../src/environment/sandbox-config.ts'
import type { StartHooks, StartStep } from '../src/environment/start-sandbox.ts'
import { Run } from '../src/run/run.ts'
import { script } from './fixtures/agent-script.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { newPlace } from './fixtures/place.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { remainsIn, type Remains } from './fixtures/remains.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState } from './fixtures/walled.ts'
import { loopbackMessages } from './loopback-messages.ts'

/** In their order; from the sixth on, the log has a sandbox. */
const STEPS: StartStep[] = [
  'checked',
  'prepared',
  'machine',
  'noted',
  'repos',
  'files',
  'wall',
  'told',
  'host',
  'connected',
  'installed',
]
const TOLD = new Set<StartStep>(['told', 'host', 'connected', 'installed'])

let root: string
let remains: Remains
beforeEach(() => {
  root = ownState()
  remains = remainsIn(root)
})
afterEach(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

interface Failed {
  readonly error: unknown
  readonly reached: readonly StartStep[]
  /** Why the sandbox ended, by the log; null: it never had one. */
  readonly reason: string | null
}

/** Starts one that must fail, and looks at what is left. */
async function failedStart(
  hooks: StartHooks = {},
  config: SandboxConfig = {},
  signal = new AbortController().signal,
): Promise<Failed> {
  const run = Run.create(newFolder(), { ...START, confinement: config.unconfined ? 'none' : 'bubblewrap' })
  const reached: StartStep[] = []
  const onStep = (step: StartStep) => {
    remains.look()
    reached.push(step)
    hooks.onStep?.(step)
  }
  const sandbox = new Sandbox(config, { run, progress: () => undefined, signal }, { onStep })
  const error = await sandbox.start().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeDefined()
  // The process that starts a host and then ends may just be about to.
  await expect.poll(() => remains.found(), { timeout: 2000 }).toEqual([])
  const log = await logOf(run.folder)
  const sandboxes = (type: 'sandbox-start' | 'sandbox-end') => log.of(type).map((event) => event.sandbox)
  expect(sandboxes('sandbox-end')).toEqual(sandboxes('sandbox-start'))
  expect(log.of('notice-add').filter(({ code }) => code !== 'control-missing')).toEqual([])
  await sandbox.terminate()
  await run.end('failed', error)
  return { error, reached, reason: log.of('sandbox-end')[0]?.reason ?? null }
}

describe.each([
  ['confined', { unconfined: false }],
  ['not confined', { unconfined: true }],
])('%s', (_, config) => {
  test.each(STEPS)('something fails after the step "%s"', async (step) => {
    const failure = new Error('the disk is on fire')
    const { error, reached, reason } = await failedStart(
      {
        onStep(at) {
          if (at === step) throw failure
        },
      },
      config,
    )
    expect(error).toBe(failure)
    expect(reached).toEqual(STEPS.slice(0, STEPS.indexOf(step) + 1))
    expect(reason).toBe(TOLD.has(step) ? 'it did not start: the disk is on fire' : null)
  })
})

test.each(STEPS)('it is aborted at the step "%s"', async (step) => {
  const abort = new AbortController()
  const { error, reached } = await failedStart({ onStep: (at) => at === step && abort.abort() }, {}, abort.signal)
  expect(error).toMatchObject({ name: 'AbortError' })
  expect(reached.at(-1)).toBe(step)
})

test('nobody goes on trying to reach one that was given up when it could be used', async () => {
  const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
  const onStep = (step: StartStep) => {
    if (step === 'installed') throw new Error('no more')
  }
  const sandbox = new Sandbox({}, { run, progress: () => undefined }, { onStep })
  await expect(sandbox.start()).rejects.toThrow('no more')
  const before = run.lastSeq
  await sleep(3000)
  expect(run.lastSeq).toBe(before)
  await run.end('failed')
})

test('without a failure the same start reaches the end: the steps above are all of them', async () => {
  const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
  const reached: StartStep[] = []
  const options = { run, progress: () => undefined }
  const sandbox = await new Sandbox({}, options, { onStep: (step) => reached.push(step) }).start()
  expect(reached).toEqual(STEPS)
  expect(remains.found().length).toBeGreaterThan(2)
  await sandbox.terminate()
  expect(remains.found()).toEqual([])
  await run.end('completed')
})

/** The environment of the tests, with another program as its Python. */
function cacheWithPython(program: string): string {
  const cache = join(root, 'cache')
  const shared = join(cacheRoot(), 'environments')
  mkdirSync(join(cache, 'environments'), { recursive: true })
  for (const name of readdirSync(cacheRoot()))
    if (name !== 'environments') symlinkSync(join(cacheRoot(), name), join(cache, name))
  for (const id of readdirSync(shared)) {
    const folder = join(cache, 'environments', id)
    mkdirSync(join(folder, 'bin'), { recursive: true })
    for (const name of readdirSync(join(shared, id)))
      if (name !== 'bin') symlinkSync(join(shared, id, name), join(folder, name))
    writeFileSync(join(folder, 'bin/python'), `#!/bin/sh\n${program}\n`, { mode: 0o755 })
  }
  return cache
}

describe('real faults', () => {
  test('a Python that is broken', async () => {
    vi.stubEnv('SEER_CACHE', cacheWithPython('echo "libpython: cannot open" >&2; exit 127'))
    const { error, reason } = await failedStart({}, { unconfined: true })
    expect(error).toMatchObject({ code: 'host-failed', message: expect.stringContaining('libpython') as string })
    expect(reason).toContain('libpython')
  })

  test('a host that never says that it is ready, and Ctrl-C', async () => {
    vi.stubEnv('SEER_CACHE', cacheWithPython('sleep 1000 & wait'))
    const abort = new AbortController()
    const hanging = failedStart({}, { unconfined: true }, abort.signal)
    await until('its process', () => processesOf(root).some(({ command }) => command === 'sleep 1000'))
    abort.abort()
    expect((await hanging).error).toMatchObject({ name: 'AbortError' })
  })

  test.each(['host', 'spawner', 'wall'] as const)('its %s is killed while it starts', async (kind) => {
    let killed = false
    const over = new AbortController()
    const killing = (async () => {
      while (!over.signal.aborted && !killed) {
        for (const { pid } of processesOf(root).filter((found) => found.kind === kind)) {
          try {
            process.kill(pid, 'SIGKILL')
            killed = true
          } catch {
            continue
          }
        }
        await sleep(2)
      }
    })()
    // Where the kill came too late for the start, it is made to fail all the same.
    const { error } = await failedStart({
      onStep(step) {
        if (step === 'host') throw new Error('too late')
      },
    })
    over.abort()
    await killing
    expect([killed, String(error)]).toEqual([true, expect.not.stringContaining('too late')])
  })

  test('a state folder that cannot be written', async () => {
    writeFileSync(join(root, 'file'), '')
    vi.stubEnv('XDG_STATE_HOME', join(root, 'file/state'))
    const { error } = await failedStart()
    expect(error).toMatchObject({ code: 'state-folder-unusable' })
  })

  test('no room for its sockets', async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', root)
    writeFileSync(join(root, 'seer'), '')
    const { error } = await failedStart()
    expect(error).toMatchObject({ code: 'socket-folder-refused' })
  })

  test.each([
    ['for its first files', 16],
    ['for the copy of Seer’s Python', 64],
  ])('a full disk: no room %s (%i KiB)', async (_, kilobytes) => {
    mkdirSync(join(root, 'state'), { recursive: true })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', join(root, 'state')], {
        stdio: 'ignore',
      })
    } catch {
      return // This user may not mount one.
    }
    try {
      const { error } = await failedStart()
      expect(error).toMatchObject({
        code: 'state-folder-unusable',
        message: expect.stringContaining('no space') as string,
      })
      expect(readdirSync(join(root, 'state/seer/sandboxes'))).toEqual([])
    } finally {
      execFileSync('umount', ['--lazy', join(root, 'state')])
    }
  })
})

test.each(['SIGINT', 'SIGTERM'] as const)('`seer run` is sent %s while its sandbox starts', async (signal) => {
  await using place = newPlace()
  await using api = await loopbackMessages(script())
  const run = place.run(api.url)
  await until('the host', () => place.processes().some(({ kind }) => kind === 'host'))
  process.kill(run.pid, signal)
  expect(await run.ended).toMatchObject({ code: 130 })
  expect([place.sandboxes(), place.processes()]).toEqual([[], []])
  const log = await logOf(place.runs()[0]!)
  expect([log.status, log.of('session-start'), api.requests]).toEqual(['interrupted', [], []])
  expect(log.of('sandbox-end')).toMatchObject([{ reason: expect.stringMatching(/^it did not start: /) as string }])
})
