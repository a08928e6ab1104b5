import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, lstatSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  agent,
  controlRuns,
  eventsOf,
  failing,
  page,
  socketOf,
  steersOf,
  type ControlRuns,
} from '../../test/fixtures/control-runs.ts'
import { MAX_LINE_BYTES, MAX_MESSAGE_BYTES } from './control-protocol.ts'
import { listenForControl } from './control-server.ts'
import type { Run } from './run.ts'

let runs: ControlRuns
beforeEach(() => void (runs = controlRuns()))

/** Sends bytes as they are; resolves with the lines that come back until the connection ends. */
async function raw(
  run: Run,
  ...parts: (string | Buffer)[]
): Promise<{ id: unknown; ok?: true; error?: { code: string } }[]> {
  const socket = connect({ path: socketOf(run), allowHalfOpen: true })
  const lines = createInterface({ input: socket })
  const answers: unknown[] = []
  lines.on('line', (line) => answers.push(JSON.parse(line)))
  for (const part of parts) socket.write(part)
  socket.end()
  await once(socket, 'close')
  return answers as never
}

describe('the socket', () => {
  test('is closed to others, and gone with the run; its clients are told', async () => {
    const run = runs.start()
    const path = socketOf(run)
    expect([lstatSync(path).mode & 0o777, lstatSync(dirname(path)).mode & 0o777]).toEqual([0o600, 0o700])
    using control = await page(run)
    const pending = control.ping()
    await run.end('completed')
    await pending
    await expect(control.ping()).rejects.toEqual(failing('run-not-live'))
    expect(control.open).toBe(false)
    expect(existsSync(path)).toBe(false)
    await expect(page(run)).rejects.toEqual(failing('run-not-live'))
  })

  test('is gone also when the process ends at once', () => {
    const run = runs.start()
    const path = socketOf(run)
    run.endNow('interrupted')
    expect(existsSync(path)).toBe(false)
  })

  test('is one a run; each answers for its own', async () => {
    const [one, other] = [runs.start('a'), runs.start('b')]
    expect(socketOf(one)).not.toBe(socketOf(other))
    using control = await page(other)
    await control.stop()
    expect([one.signal.aborted, other.signal.aborted]).toEqual([false, true])
  })

  test('answers many at once, each in its own order', async () => {
    const run = runs.start()
    const worker = agent('worker')
    run.steering.add(worker)
    const clients = await Promise.all(Array.from({ length: 40 }, () => page(run)))
    await Promise.all(clients.flatMap((client, n) => [1, 2, 3].map((m) => client.message(`${n} ${m}`))))
    for (const n of clients.keys())
      expect(worker.done.filter((text) => text.startsWith(`${n} `))).toEqual([1, 2, 3].map((m) => `${n} ${m}`))
    for (const client of clients) client.close()
  })

  test.each([
    [
      'in a runtime folder whose path is too long',
      () => vi.stubEnv('XDG_RUNTIME_DIR', join(runs.root, 'x'.repeat(90))),
    ],
    ['without a runtime folder', () => vi.stubEnv('XDG_RUNTIME_DIR', undefined)],
  ])('lies elsewhere %s, and is found by who has another one', async (_, change) => {
    change()
    if (process.env['XDG_RUNTIME_DIR']) mkdirSync(process.env['XDG_RUNTIME_DIR'], { mode: 0o700 })
    const run = runs.start()
    expect(socketOf(run)).not.toContain(runs.root)
    vi.stubEnv('XDG_RUNTIME_DIR', join(runs.root, 'r'))
    using control = await page(run)
    await control.ping()
  })

  test.each<[string, (folder: string) => void]>([
    ['a file in the place of its folder', (folder) => writeFileSync(folder, '')],
    ...(userInfo().uid === 0
      ? [
          [
            'a folder of another user',
            (folder: string) => {
              mkdirSync(folder)
              chownSync(folder, 12_345, 12_345)
            },
          ] as [string, (folder: string) => void],
        ]
      : []),
  ])('cannot be made with %s: the run goes on, and says so', async (_, spoil) => {
    mkdirSync(join(runs.root, 'r/seer'), { mode: 0o700 })
    spoil(join(runs.root, 'r/seer/control'))
    const run = runs.start()
    expect(await eventsOf(run)).toMatchObject([
      { type: 'run-start' },
      { type: 'notice-add', level: 'warning', code: 'control-missing', text: expect.stringContaining('seer/control') },
    ])
    await expect(page(run)).rejects.toEqual(failing('control-missing', new RegExp(`process ${process.pid}`)))
    run.emit({ type: 'notice-add', by: 'system', level: 'info', code: 'c', text: 'It goes on.' })
    await run.end('completed')
  })

  test('that fails later is told once', async () => {
    mkdirSync(join(runs.root, 'r/seer/control'), { recursive: true, mode: 0o700 })
    const problems: Error[] = []
    writeFileSync(join(runs.root, 'r/seer/control/taken.sock'), '')
    const close = listenForControl(join(runs.root, 'r/seer/control/taken.sock'), runs.start(), (error) =>
      problems.push(error),
    )
    await vi.waitFor(() => expect(problems).toMatchObject([{ code: 'EADDRINUSE' }]))
    close()
  })

  test('of a writer that was killed is removed by a later run; one that lives, or is halted, is not', async () => {
    const alive = runs.start('alive')
    const folder = dirname(socketOf(alive))
    const [stale, halted] = [await listener(join(folder, 'aa.sock')), await listener(join(folder, 'bb.sock'))]
    stale.child.kill('SIGKILL')
    await once(stale.child, 'close')
    halted.child.kill('SIGSTOP')
    // Until its queue is full: then it cannot be connected to either.
    for (let refused = false; !refused;) refused = await isRefused(halted.path)
    const other = join(folder, 'not-a-socket')
    writeFileSync(other, '')
    // One that was made just now may be about to listen.
    runs.start('too early')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(existsSync(stale.path)).toBe(true)
    for (const path of [stale.path, halted.path, other, socketOf(alive)]) utimesSync(path, 1, 1)
    runs.start('later')
    await vi.waitFor(() => expect(existsSync(stale.path)).toBe(false))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect([halted.path, other].map((path) => existsSync(path))).toEqual([true, true])
    using control = await page(alive)
    await control.ping()
  })
})

/** A process that listens. */
async function listener(path: string) {
  const code = `require('net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => console.log('on'))`
  const child = spawn(process.execPath, ['-e', code, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return { child, path }
}

async function isRefused(path: string): Promise<boolean> {
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  return once(socket, 'connect').then(
    () => false,
    () => true,
  )
}

describe('garbage', () => {
  const ping = '{"id":7,"do":"ping","from":"page"}\n'
  test.each<[string, (string | Buffer)[], unknown[]]>([
    ['not JSON', ['hello\n'], [null]],
    ['not an object', ['[]\n1\nnull\n'], [null, null, null]],
    ['an empty line', ['\n'], [null]],
    ['bytes of no text', [Buffer.from([0xff, 0xfe, 0, 0x80, 10])], [null]],
    ['no action', ['{"id":1,"from":"page"}\n'], [1]],
    ['an unknown action', ['{"id":"x","do":"explode","from":"page"}\n'], ['x']],
    ['nobody', ['{"id":1,"do":"stop"}\n'], [1]],
    ['somebody else', ['{"id":1,"do":"stop","from":"terminal"}\n'], [1]],
    ['an id that is none', ['{"id":{"a":1},"do":"stop","from":"page"}\n'], [null]],
    ['a message without a text', ['{"id":1,"do":"message","from":"page"}\n'], [1]],
    [
      'a text that is too long for a message',
      [`{"id":1,"do":"message","from":"page","text":"${'x'.repeat(MAX_MESSAGE_BYTES + 1)}"}\n`],
      [1],
    ],
    ['a line that is too long', ['x'.repeat(MAX_LINE_BYTES + 1), 'x'.repeat(5_000_000), '\n'], [null]],
    ['deep nesting', [`${'['.repeat(300_000)}\n`], [null]],
    ['a request of HTTP', ['POST / HTTP/1.1\r\nHost: x\r\n\r\n'], [null, null, null]],
  ])('%s is refused, and what follows is answered', async (_, parts, ids) => {
    const run = runs.start()
    run.steering.add(agent('a'))
    const answers = await raw(run, ...parts, ping)
    expect(answers.at(-1)).toEqual({ id: 7, ok: true })
    expect(answers.slice(0, -1).map(({ id }) => id)).toEqual(ids)
    for (const { error } of answers.slice(0, -1)) expect(error?.code).toMatch(/^(control-garbled|invalid-options)$/)
    expect(await steersOf(run)).toEqual([])
    expect(run.signal.aborted).toBe(false)
  })

  test('half a line, a connection that breaks, and one that reads nothing do no harm', async () => {
    const run = runs.start()
    expect(await raw(run, '{"id":1,"do":"stop","from":"page"}')).toEqual([])
    for (let n = 0; n < 20; n++)
      connect(socketOf(run), function (this: ReturnType<typeof connect>) {
        this.write(ping.repeat(100))
        this.destroy()
      }).on('error', () => undefined)
    const deaf = connect(socketOf(run)).pause()
    deaf.on('error', () => undefined)
    const flood = setInterval(() => deaf.write(ping.repeat(10_000)), 1)
    using control = await page(run)
    for (let n = 0; n < 20; n++) await control.ping()
    await control.stop()
    const before = performance.now()
    const cut = new Promise((resolve) => deaf.once('close', resolve))
    await run.end('interrupted')
    expect(performance.now() - before).toBeLessThan(500)
    await cut
    clearInterval(flood)
    expect(await steersOf(run)).toHaveLength(1)
  })

  test('a line without an end is not kept', async () => {
    const run = runs.start()
    const socket = connect(socketOf(run))
    const before = process.memoryUsage.rss()
    const part = Buffer.alloc(1024 * 1024, 'x')
    for (let mebibytes = 0; mebibytes < 256; mebibytes++) if (!socket.write(part)) await once(socket, 'drain')
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024)
    socket.write('\n')
    expect(String((await once(socket, 'data'))[0])).toContain('too long')
    socket.destroy()
  })

  test('a request that comes in pieces is one', async () => {
    const run = runs.start()
    const socket = connect(socketOf(run))
    for (const byte of Buffer.from(ping)) {
      socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(JSON.parse(String((await once(socket, 'data'))[0]))).toEqual({ id: 7, ok: true })
    socket.destroy()
  })
})
