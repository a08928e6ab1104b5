/** Processes in real sandboxes: what is in the log, who reads what they print, and what ends them. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ExecError } from '../src/environment/exec/exec-error.ts'
import { failure, startedForExec } from './fixtures/exec-sandbox.ts'
import { filesWith, needlesOf } from './fixtures/leaks.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { ownState } from './fixtures/walled.ts'

const SECRET = `canary${randomBytes(9).toString('hex')}`
let root: string

beforeAll(() => {
  root = ownState()
  vi.stubEnv('SEER_T_TOKEN', SECRET)
})
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const host = () => processesOf(root).find(({ kind }) => kind === 'host')!.pid
const COUNT = 60
const COUNTING = `echo ran >> ran; for n in $(seq ${COUNT}); do echo "line $n é"; sleep 0.05; done`
const COUNTED = Array.from({ length: COUNT }, (_, n) => `line ${n + 1} é\n`).join('')

describe.each([{ unconfined: false }, { unconfined: true }])('%j', (config) => {
  let one: Awaited<ReturnType<typeof startedForExec>>
  beforeAll(async () => {
    one = await startedForExec({ ...config, secrets: ['SEER_T_TOKEN'] })
  })
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
  })

  test('the log has what was run, and the ends of what it printed', async () => {
    const { sandbox, log, endOf } = one
    const script = `printf '%020000d' 0; printf '${'y'.repeat(50)}'; echo err >&2; exit 4`
    await failure(sandbox.exec(script, { cwd: '/', env: { A: 'b' } }))
    const start = (await log()).of('process-start').at(-1)!
    expect(start).toMatchObject({
      by: 'researcher',
      sandbox: sandbox.sandboxId,
      argv: ['/bin/sh', '-c', script],
      cwd: '/',
      purpose: 'exec',
    })
    expect(await endOf(script)).toMatchObject([
      {
        exitCode: 4,
        signal: null,
        stdout: '0'.repeat(8192 - 50) + 'y'.repeat(50),
        stderr: 'err\n',
        omittedBytes: 20_050 - 8192,
      },
    ])
    await sandbox.execPython('# of the log\nprint(1)')
    expect((await log()).of('process-start').at(-1)).toMatchObject({
      argv: ['python', '-'],
      input: '# of the log\nprint(1)',
      purpose: 'execPython',
    })
    const count = (await log()).events.length
    await failure(sandbox.exec('x', { input: 'x'.repeat(525_001) }))
    expect((await log()).events).toHaveLength(count)
  })

  test('what was not started has an end, too', async () => {
    const error = await failure(one.sandbox.exec(['no-such-program', 'of', 'ours']))
    expect(error).toMatchObject({
      code: 'process-not-started',
      message: '`no-such-program of ours` was not started: the program no-such-program: No such file or directory.',
    })
    expect(await one.endOf('no-such-program')).toMatchObject([
      { exitCode: null, because: 'it was not started: the program no-such-program: No such file or directory' },
    ])
  })

  test('input that is too large says what to do', async () => {
    expect(await one.sandbox.exec('wc -c', { input: 'x'.repeat(525_000) })).toMatch(/^\s*525000\n$/)
    expect(await failure(one.sandbox.exec('cat', { input: 'x'.repeat(525_001) }))).toMatchObject({
      code: 'exec-refused',
      hint: expect.stringContaining('sandbox.writeFile') as string,
    })
    expect(await failure(one.sandbox.exec(`: ${'x'.repeat(140_000)}`))).toMatchObject({ code: 'exec-refused' })
  })

  test('a secret is hidden in what is returned, thrown, logged and left on the disk', async () => {
    const { sandbox, run, log, endOf } = one
    const pieces =
      'printf %s "$SEER_T_TOKEN" | fold -w 5 | while read -r p || [ -n "$p" ]; do printf %s "$p"; sleep 0.05; done'
    expect(await sandbox.exec(pieces)).toBe('[secret SEER_T_TOKEN]')
    const thrown = await failure(sandbox.exec('echo "key=$SEER_T_TOKEN" >&2; exit 1'))
    expect(thrown?.message).toContain('key=[secret SEER_T_TOKEN]')
    expect(await endOf('echo "key=')).toMatchObject([{ stderr: 'key=[secret SEER_T_TOKEN]\n' }])
    await sandbox.exec(['true', SECRET])
    expect((await log()).of('process-start').at(-1)?.argv).toEqual(['true', '[secret SEER_T_TOKEN]'])
    const spawned = await sandbox.spawn(`${pieces}; sleep 60`)
    for await (const _ of spawned.output) break
    const needles = needlesOf(SECRET)
    expect(filesWith(run.folder, needles)).toEqual([])
    expect(filesWith(join(root, 'state'), needles)).toEqual([])
    await spawned.kill()
    // The control: the same search finds it where the code itself has written it.
    await sandbox.exec('printf %s "$SEER_T_TOKEN" > own')
    expect(filesWith(join(root, 'state'), needles)).toHaveLength(1)
    await sandbox.exec('rm own')
  })

  test('the relay is killed again and again: all of the output, and it ran once', async () => {
    const { sandbox } = one
    const counting = sandbox.exec(COUNTING)
    for (let round = 0; round < 3; round++) {
      await sleep(600)
      await until('a relay', () => processesOf(root).some(({ kind }) => kind === 'relay'))
      for (const { kind, pid } of processesOf(root)) if (kind === 'relay') process.kill(pid, 'SIGKILL')
    }
    expect(await counting).toBe(COUNTED)
    expect(await sandbox.exec('cat ran; rm ran')).toBe('ran\n')
    expect((await one.log()).of('notice-add').map(({ code }) => code)).toContain('connection-lost')
  })

  test('the answer to its start is lost: asked again, it runs once', async () => {
    const { sandbox } = one
    const [pid, relay] = [host(), processesOf(root).find(({ kind }) => kind === 'relay')!.pid]
    process.kill(pid, 'SIGSTOP')
    const running = sandbox.exec(COUNTING)
    await sleep(300)
    process.kill(relay, 'SIGKILL')
    await sleep(300)
    process.kill(pid, 'SIGCONT')
    expect(await running).toBe(COUNTED)
    expect(await sandbox.exec('cat ran; rm ran')).toBe('ran\n')
  })

  test('output is read late, again, in part, or not at all: it is whole, and the end is known', async () => {
    const { sandbox } = one
    const read = async (output: AsyncIterable<{ text: string }>) => {
      let text = ''
      for await (const chunk of output) text += chunk.text
      return text
    }
    const late = await sandbox.spawn('seq 3')
    expect(await late.ended).toMatchObject({ exitCode: 0, stdout: '1\n2\n3\n', omittedBytes: 0 })
    expect(await read(late.output)).toBe('1\n2\n3\n')
    expect(await read(late.output)).toBe('1\n2\n3\n')

    const left = await sandbox.spawn('seq 3; sleep 0.3; seq 4 100000')
    for await (const { text } of left.output) if (text.includes('3\n')) break
    const all = Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join('')
    expect(await left.ended).toMatchObject({ exitCode: 0, stdout: all.slice(-8192) })

    const two = await sandbox.spawn('echo a; sleep 0.4; echo b')
    const first = failure(read(two.output))
    await sleep(100)
    expect(await read(two.output)).toBe('a\nb\n')
    expect(await first).toMatchObject({ code: 'output-taken' })
    const ends = (await one.log()).of('process-end').map(({ process }) => process)
    expect(ends.filter((id) => [late.id, left.id, two.id].includes(id)).sort()).toEqual(
      [late, left, two].map((p) => p.id).sort(),
    )
  })

  test('100 MB take little memory, however slowly they are read', { timeout: 120_000 }, async () => {
    const process_ = await one.sandbox.spawn('head -c 100000000 /dev/zero | tr "\\0" x')
    const before = process.memoryUsage.rss()
    let [size, peak] = [0, 0]
    for await (const { text } of process_.output) {
      if (size === 0) await sleep(1500)
      size += text.length
      peak = Math.max(peak, process.memoryUsage.rss())
    }
    expect(size).toBe(100_000_000)
    expect(peak - before).toBeLessThan(120_000_000)
    expect(await process_.ended).toMatchObject({ exitCode: 0, lostBytes: 0, omittedBytes: 100_000_000 - 8192 })
  })

  test('an abort ends it also while nobody goes on reading; the reason is that of the signal', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const running = await one.sandbox.spawn('echo begun; echo $$; sleep 1000', { signal: stop.signal })
    const chunks = running.output[Symbol.asyncIterator]()
    await chunks.next()
    stop.abort(reason)
    await expect(running.ended).rejects.toBe(reason)
    await expect(chunks.next()).rejects.toBe(reason)
    expect(await one.endOf('echo begun; echo $$')).toMatchObject([
      { signal: 'SIGTERM', because: 'it was asked to end', stdout: expect.stringMatching(/^begun\n/) as string },
    ])
    const aborted = await failure(one.sandbox.exec('true', { signal: AbortSignal.abort(reason) }))
    expect(aborted).toBe(reason)
  })

  test('aborted while it is being started, it does not go on', async () => {
    const pid = host()
    const stop = new AbortController()
    process.kill(pid, 'SIGSTOP')
    const running = failure(one.sandbox.exec('sleep 77.25', { signal: stop.signal }))
    await sleep(200)
    stop.abort(new Error('enough'))
    expect(await running).toMatchObject({ message: 'enough' })
    process.kill(pid, 'SIGCONT')
    const found = () => processesOf(root).filter(({ command }) => command.includes('77.25'))
    await sleep(500)
    await until('its end', () => found().length === 0, 10_000)
    expect(await one.endOf('sleep 77.25')).toMatchObject([{ because: 'it was given up as it started: enough' }])
  })

  test('what it prints does not act in an error, and printing the error does not print all of it', async () => {
    const script = `printf '\\033[2J\\033]0;title\\007\\377\\376'; head -c 300000 /dev/urandom; exit 3`
    const error = (await failure(one.sandbox.exec(script)))!
    expect(error).toBeInstanceOf(ExecError)
    expect(error.message).not.toMatch(/[^\P{Cc}\n\t]/u)
    expect(inspect(error).length).toBeLessThan(10_000)
    expect(error.result.stdout.length).toBeGreaterThan(100_000)
    expect(error.result.stdout.startsWith('\u{1b}[2J\u{1b}]0;title\u{7}\u{fffd}\u{fffd}')).toBe(true)
  })
})
