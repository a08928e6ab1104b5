/** `seer mcp`, started as a client starts it, beside runs of other processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bridgeIn, type Bridger } from './fixtures/mcp-bridge.ts'
import { textOf } from './fixtures/mcp-client.ts'
import { newPlace, repository, type Place, type Started } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'

let place: Place
beforeEach(() => void (place = newPlace('seer mcp-')))
afterEach(() => place[Symbol.asyncDispose]())

const bridge: Bridger = (...given) => bridgeIn(place, ...given)

/** A script that has a session until it is told to end, and says where it runs. */
const SCRIPT = `import { createNotebookSession, Sandbox, Workspace } from ${JSON.stringify(join(repository, 'src/index.ts'))}
import { once } from 'node:events'
await using sandbox = await Sandbox.start()
await using session = await createNotebookSession(sandbox, new Workspace({ preloadModels: false }))
console.log(JSON.stringify({ run: sandbox.run.id, folder: sandbox.run.folder }))
const awake = setInterval(() => undefined, 1000)
await once(process, 'SIGUSR2')
clearInterval(awake)
`

interface LiveRun {
  readonly run: string
  readonly folder: string
  readonly started: Started
  end(): Promise<void>
}

async function liveRun(name = 'live'): Promise<LiveRun> {
  const file = join(place.root, `${name}.ts`)
  writeFileSync(file, SCRIPT)
  const started = place.script(file)
  await vi.waitFor(() => expect(started.output.stdout).toContain('\n'), 60_000)
  const { run, folder } = JSON.parse(started.output.stdout) as { run: string; folder: string }
  return {
    run,
    folder,
    started,
    async end() {
      started.child.kill('SIGUSR2')
      await started.ended
    },
  }
}

const reachFiles = () => {
  const folder = join(place.root, 'r/seer/mcp')
  return existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : []
}

test('the same client from run to run, told what comes and goes', async () => {
  await using one = await bridge()
  expect(await one.tools()).toEqual(['status'])
  expect(one.client.getInstructions()).toContain('as soon as a run goes on')
  expect(await one.says('status')).toMatch(/No run of Seer goes on/)
  expect(await one.call('execute_code', { code: '1' })).toMatchObject({ isError: true })
  expect((await one.client.listResources()).resources).toEqual([])

  const first = await liveRun('first')
  await vi.waitFor(() => expect(one.changes.length).toBeGreaterThan(0), 10_000)
  expect(await one.tools()).toContain('execute_code')
  expect(await one.says('execute_code', { code: 'x = 6\nprint(x * 7)' })).toBe('[c2] ok.\n42')
  expect(await one.says('status')).toContain(first.run)
  expect((await one.client.listResources()).resources[0]?.uri).toBe('seer://notebook.ipynb')
  expect((await logOf(first.folder)).of('cell-start').at(-1)).toMatchObject({
    by: 'agent:bridged',
    code: 'x = 6\nprint(x * 7)',
  })

  // A newer run does not take the place of one that goes on.
  const second = await liveRun('second')
  expect(await one.says('execute_code', { code: 'print(x)' })).toBe('[c3] ok.\n6')
  const before = one.changes.length
  await first.end()
  await vi.waitFor(() => expect(one.changes.length).toBeGreaterThan(before), 10_000)
  const result = await one.call('execute_code', { code: 'print("x" in globals())' })
  expect(textOf(result)).toMatch(
    new RegExp(
      `^This is another run now: ${second.run}. The run ${first.run} has ended \\(completed\\).*\\n\\[c2\\] ok.\\nFalse`,
    ),
  )
  expect((result.structuredContent as { text: string }).text).toMatch(/^This is another run now.*\n\[c2\]/)
  expect(await one.says('execute_code', { code: 'print(1)' })).toBe('[c3] ok.\n1')
  await second.end()
  const gone = await one.call('execute_code', { code: 'print(1)' })
  expect(gone.isError).toBe(true)
  expect(textOf(gone)).toMatch(new RegExp(`The run ${second.run} has ended \\(completed\\).* Its record is in`))
  await vi.waitFor(async () => expect(await one.tools()).toEqual(['status']), 5000)
  expect(one.stderr()).toBe('')
})

test('a run whose process is killed in the middle of a call', async () => {
  const live = await liveRun()
  await using one = await bridge()
  const call = one.call('execute_code', { code: 'import time\ntime.sleep(60)' })
  await vi.waitFor(async () => expect((await logOf(live.folder)).of('tool-start')).toHaveLength(1), 20_000)
  live.started.child.kill('SIGKILL')
  const result = await call
  expect(result.isError).toBe(true)
  expect(textOf(result)).toMatch(/has ended \(its process has gone\)/)
  expect(await one.says('status')).toMatch(/No run of Seer goes on/)
})

describe('roles', () => {
  test('an observer reads, and cannot write', async () => {
    const live = await liveRun()
    await using author = await bridge([], { name: 'author' })
    await author.call('execute_code', { code: 'print("seen by both")' })
    await using one = await bridge(['--as', 'observer'], { name: 'watcher' })
    expect(await one.tools()).toEqual(['wait_cell', 'read_output'])
    expect(await one.says('read_output', { cell: 'c2' })).toContain('seen by both')
    expect(await one.call('execute_code', { code: '1' })).toMatchObject({ isError: true })
    const notebook = await one.client.readResource({ uri: 'seer://notebook.ipynb' })
    expect((notebook.contents[0] as { text: string }).text).toContain('seen by both')
    expect((await logOf(live.folder)).of('cell-start').map(({ by }) => by)).toEqual(['setup', 'agent:author'])
  })

  test('an observer who stops waiting stops nobody else’s cell, whatever it calls itself', async () => {
    await liveRun()
    await using author = await bridge([], { name: 'author' })
    await using one = await bridge(['--as', 'observer'], { name: 'author' })
    const call = author.call('execute_code', { code: 'import time\ntime.sleep(3)\nprint("whole")' })
    await vi.waitFor(
      async () => expect(await one.says('wait_cell', { cell: 'c2', seconds: 0 })).toContain('running'),
      20_000,
    )
    const stop = new AbortController()
    const wait = one.client.callTool({ name: 'wait_cell', arguments: { cell: 'c2' } }, { signal: stop.signal })
    setTimeout(() => stop.abort(), 500)
    await expect(wait).rejects.toThrow(/abort/i)
    expect(textOf(await call)).toBe('[c2] ok.\nwhole')
  })

  test('a kernel of one’s own, in the same workspace, until one leaves', async () => {
    const live = await liveRun()
    await using author = await bridge([], { name: 'author' })
    await author.call('execute_code', { code: 'x = 1\nopen("shared.txt", "w").write("for all")' })
    const kernels = () => place.processes().filter(({ kind }) => kind === 'kernel').length
    expect(kernels()).toBe(1)
    for (const leave of ['politely', 'killed'] as const) {
      const one = await bridge(['--as', 'own-kernel'], { name: 'own' })
      expect(await one.says('execute_code', { code: 'print("x" in globals(), open("shared.txt").read())' })).toBe(
        '[c2] ok.\nFalse for all',
      )
      expect(kernels()).toBe(2)
      await one.call('execute_code', { code: 'import threading\nmine = 1' })
      if (leave === 'politely') await one.client.close()
      else process.kill(one.pid, 'SIGKILL')
      await vi.waitFor(() => expect(kernels()).toBe(1), 30_000)
    }
    expect(await author.says('execute_code', { code: 'print(x)' })).toBe('[c3] ok.\n1')
    const facts = await logOf(live.folder)
    expect(facts.of('session-start').map(({ session }) => session)).toEqual(['s1', 's2', 's3'])
    expect(facts.of('session-end').map(({ session }) => session)).toEqual(['s2', 's3'])
    expect(facts.of('kernel-dead').map(({ session, reason }) => [session, reason])).toEqual([
      ['s2', 'asked'],
      ['s3', 'asked'],
    ])
    await live.end()
    expect((await logOf(live.folder)).status).toBe('completed')
  })
})

test('which run: by its id, its beginning, its end; not by a part of it', async () => {
  const [one, other] = [await liveRun('one'), await liveRun('other')]
  const ranIn = async (args: string[]) => {
    await using client = await bridge(args)
    return /The run (\S+) goes on/.exec(await client.says('status'))?.[1]
  }
  expect(await ranIn([])).toBe(other.run)
  expect(await ranIn([one.run])).toBe(one.run)
  expect(await ranIn([one.folder])).toBe(one.run)
  expect(await ranIn([one.run.slice(-4)])).toBe(one.run)
  expect(await ranIn(['no-such-run'])).toBeUndefined()
  expect(await ranIn(['--session', 's9'])).toBeUndefined()
  await using wrong = await bridge([one.run, '--session', 's9'])
  expect(await wrong.says('status')).toMatch(/has no session "s9" that goes on.*\bIt has: s1\./s)
  await using both = await bridge([one.run.slice(0, 10)])
  expect(await both.says('status')).toMatch(/Several runs that go on could be meant[^]*Say which: /)
  await Promise.all([one.end(), other.end()])
})

test('what leads to a run is closed to others, and gone with it', async () => {
  const live = await liveRun()
  const [file] = reachFiles()
  expect(statSync(file!).mode & 0o777).toBe(0o600)
  expect(statSync(join(place.root, 'r/seer/mcp')).mode & 0o777).toBe(0o700)
  const { servers } = JSON.parse(readFileSync(file!, 'utf8')) as { servers: { tokens: Record<string, string> }[] }
  const tokens = Object.values(servers[0]!.tokens)
  expect(new Set(tokens).size).toBe(4)
  // One that others can read is not trusted, and its tokens go nowhere.
  chmodSync(file!, 0o644)
  await using one = await bridge()
  expect(await one.tools()).toEqual(['status'])
  chmodSync(file!, 0o600)
  expect(await one.tools()).toContain('execute_code')
  live.started.child.kill('SIGKILL')
  await live.started.ended
  expect(reachFiles()).toHaveLength(1)
  const next = await liveRun('next')
  expect(reachFiles()).toHaveLength(1)
  await next.end()
  expect(reachFiles()).toEqual([])
  const files = readdirSync(live.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const text = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('')
  expect(tokens.filter((token) => text.includes(token))).toEqual([])
})

test('garbage on stdin, and a client that is gone: it ends, and leaves nothing', async () => {
  const child = spawn(process.execPath, ['--conditions=seer-source', join(repository, 'src/cli/main.ts'), 'mcp'], {
    env: place.env,
    cwd: place.root,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stdin.write('hello\n{}\n[]\nnull\n{"jsonrpc":"2.0"}\n\u0000\n')
  child.stdin.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } })}\n`,
  )
  await vi.waitFor(() => expect(stdout).toContain('"id":1'), 20_000)
  for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
  child.stdin.end()
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
})

test('a call that is too large is refused by name; a message that cannot be heard ends the bridge', async () => {
  const live = await liveRun()
  await using one = await bridge()
  const large = await one.call('execute_code', { code: '#'.repeat(5 * 1024 * 1024) })
  expect(large.isError).toBe(true)
  expect(textOf(large)).toMatch(/^The call has more than 4 MiB[^]*nothing was run/)
  expect(await one.says('execute_code', { code: 'print(1)' })).toBe('[c2] ok.\n1')
  const deaf = one.call('execute_code', { code: '#'.repeat(11 * 1024 * 1024) })
  await expect(deaf).rejects.toThrow(/closed/i)
  await vi.waitFor(() => expect(one.stderr()).toContain('a message of more than 10 MiB'), 5000)
  expect((await logOf(live.folder)).of('tool-start')).toHaveLength(1)
})
