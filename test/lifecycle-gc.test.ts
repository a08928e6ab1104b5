/** `seer sandboxes` and `seer gc`, with real processes that are killed: what is listed, what may be ended, and what is left. */
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { newPlace, repository, type Place, type Started } from './fixtures/place.ts'
import { isAlive, until } from './fixtures/processes.ts'
import { remainsIn } from './fixtures/remains.ts'
import { logOf } from './fixtures/run-folder.ts'
import { makeSandbox } from './fixtures/sandbox-facts.ts'

const INDEX = JSON.stringify(join(repository, 'src/index.ts'))
const LONG_AGO = new Date(Date.now() - 3600_000)

let place: Place
afterEach(async () => place[Symbol.asyncDispose]())

/** A script with a sandbox, that says its id and then does `rest`. */
function script(name: string, rest: string): Started {
  const file = join(place.root, `${name}.ts`)
  const head = `import { createNotebookSession, Sandbox, Workspace } from ${INDEX}
    const sandbox = await Sandbox.start()
    const session = await createNotebookSession(sandbox, new Workspace())
    console.log(sandbox.sandboxId)\n`
  writeFileSync(file, head + rest)
  return place.script(file)
}

async function idOf(started: Started): Promise<string> {
  await until('its sandbox', () => started.output.stdout.includes('\n'))
  return started.output.stdout.split('\n')[0]!
}

const COUNTS = `await session.exec('import time\\nfor n in range(40): print("line", n, flush=True); time.sleep(0.05)')`
const WAITS = `process.stdin.resume(); setInterval(() => {}, 1000)`
const runOf = (name: string) => place.runs().find((folder) => basename(folder).includes(`-${name}-`))!
const hostOf = (id: string) =>
  place.processes().find(({ kind, command }) => kind === 'host' && command.length > 0 && hasId(id))
const hasId = (id: string) => place.sandboxes().some((folder) => basename(folder) === id)

async function seer(...args: string[]) {
  const ended = await place.seer(args, { cwd: place.root }).ended
  const lines = ended.stdout.trim().split('\n')
  const json = args.includes('--json') ? lines.map((line) => JSON.parse(line) as Record<string, unknown>) : []
  return { ...ended, json }
}

/** A run whose process was killed while a cell printed; all of that is with its sandbox by now. */
async function crashed(name = 'crashed') {
  const started = script(name, COUNTS)
  const id = await idOf(started)
  await until('its output', async () => (await logOf(runOf(name))).printed('c2').includes('line 3'))
  started.child.kill('SIGKILL')
  await started.ended
  return id
}

test('listed: whose each is and how long it has; stopped are those that no living process uses', async () => {
  place = newPlace()
  const remains = remainsIn(place.root)
  expect((await seer('sandboxes')).stdout).toBe('There are no sandboxes on this machine.\n')
  const using = script('using', WAITS)
  const used = await idOf(using)
  const detached = await idOf(script('letting-go', 'await sandbox.detach({ keep: 300 })'))
  const left = await idOf(script('leaving', 'process.exit(0)'))
  const broken = await crashed()
  await until('all of them to be what they are', async () => {
    const { json } = await seer('sandboxes', '--json')
    return ['in-use', 'detached', 'left', 'crashed'].every((status) => json.some((one) => one['status'] === status))
  })
  remains.look()

  const { json, code } = await seer('sandboxes', 'ls', '--json')
  const one = (id: string) => json.find(({ sandbox }) => sandbox === id)
  expect(code).toBe(0)
  expect(json.at(-1)).toMatchObject({ run: null, status: 'ok', sandboxes: 4 })
  const inUse = { status: 'in-use', writer: using.pid, folder: runOf('using'), confinement: 'bubblewrap' }
  expect(one(used)).toMatchObject({ ...inUse, run: basename(runOf('using')), host: expect.any(Number) as number })
  expect(one(detached)).toMatchObject({ status: 'detached', writer: null, folder: runOf('letting-go') })
  expect([one(left)?.['status'], one(broken)?.['status']]).toEqual(['left', 'crashed'])
  const leftMs = (id: string) => Date.parse(String(one(id)?.['endsAt'])) - Date.now()
  expect([leftMs(used) > 3000_000, leftMs(detached) < 300_000, leftMs(detached) > 200_000]).toEqual([true, true, true])

  const listed = (await seer('sandboxes')).stdout
  for (const id of [used, detached, left, broken]) expect(listed).toContain(id)
  expect(listed).toMatch(new RegExp(`${used}\\s+in use\\s.*process ${using.pid}\\s+for .*ends in \\d+m`))
  expect(listed).toContain('seer gc')

  const refused = await seer('sandboxes', 'stop', used)
  expect([refused.code, refused.stdout]).toEqual([
    1,
    expect.stringMatching(`process ${using.pid} writes[^]*stop .*using`),
  ])
  expect(await seer('sandboxes', 'stop', 'sb-none')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(used) as string,
  })
  expect(await seer('sandboxes', 'stop')).toMatchObject({ code: 2 })

  expect(await seer('sandboxes', 'stop', detached)).toMatchObject({ code: 0, stdout: `${detached}: ended.\n` })
  const before = (await logOf(runOf('letting-go'))).events.length
  expect(hasId(detached)).toBe(false)
  const all = await seer('sandboxes', 'stop', '--all', '--json')
  expect([all.code, all.json.at(-1)]).toEqual([0, expect.objectContaining({ sandboxes: 2, problems: 0 })])
  const log = await logOf(runOf('crashed'))
  expect([log.status, log.printed('c2').split('\n').length > 10]).toEqual(['crashed', true])
  expect((await logOf(runOf('letting-go'))).events).toHaveLength(before)
  expect(place.sandboxes().map((folder) => basename(folder))).toEqual([used])
  expect(isAlive(using.pid)).toBe(true)

  using.child.kill('SIGKILL')
  await using.ended
  expect((await seer('gc', '--output-dir', place.outputs)).code).toBe(0)
  expect(remains.found()).toEqual([])
})

describe('gc, after', () => {
  test.each([
    ['its Seer', false],
    ['its Seer and its host', true],
  ])('%s was killed: nothing is left but the record', async (_, both) => {
    place = newPlace()
    const remains = remainsIn(place.root)
    await crashed()
    remains.look()
    if (both)
      for (const { pid } of place.processes().filter(({ kind }) => kind === 'host')) process.kill(pid, 'SIGKILL')
    const gc = await seer('gc', '--output-dir', place.outputs, '--json')
    expect([gc.code, gc.json.at(-1)]).toEqual([0, expect.objectContaining({ runs: 1, problems: 0 })])
    expect(remains.found()).toEqual([])
    expect((await logOf(runOf('crashed'))).status).toBe('crashed')
    expect((await seer('gc', '--output-dir', place.outputs)).stdout).toBe('Nothing to clean up.\n')
  })

  test('the host of one that was let go was killed, and it says so', async () => {
    place = newPlace()
    const remains = remainsIn(place.root)
    const started = script('letting-go', 'await sandbox.detach({ keep: 300 })')
    const id = await idOf(started)
    await started.ended
    remains.look()
    process.kill(hostOf(id)!.pid, 'SIGKILL')
    await until('its end', () => place.processes().length === 0)
    const { stdout } = await seer('gc', '--output-dir', place.outputs)
    const words = `The sandbox ${id} of ${basename(runOf('letting-go'))} was removed: it was let go, and nobody took it up in time.\n`
    expect(stdout).toBe(words)
    expect(remains.found()).toEqual([])
  })

  test('starts that were killed half way; what may still be starting is left alone', async () => {
    place = newPlace()
    const folder = (id: string) => join(place.state, 'seer/sandboxes', id)
    const sockets = (id: string) => join(place.root, 'r/seer', id)
    for (const id of ['sb-aa', 'sb-bb']) mkdirSync(folder(id), { recursive: true })
    for (const id of ['sb-cc', 'sb-dd', 'sb-ee']) mkdirSync(sockets(id), { recursive: true })
    // Another one's, with another state folder: somebody listens.
    const server = createServer().listen(join(sockets('sb-ee'), 'host.sock'))
    await until('the socket', () => existsSync(join(sockets('sb-ee'), 'host.sock')))
    for (const old of [folder('sb-aa'), sockets('sb-cc'), sockets('sb-ee')]) utimesSync(old, LONG_AGO, LONG_AGO)
    // Its run was killed before anything stood in its log but that it began.
    makeSandbox(place.state, 'sb-ff', { run: join(place.root, 'gone'), facts: null })
    const { json, code } = await seer('gc', '--output-dir', place.outputs, '--json')
    expect(code).toBe(0)
    const removed = json
      .filter(({ status }) => status === 'removed')
      .map(({ sandbox, why }) => `${String(sandbox)}: ${String(why)}`)
    expect(removed.sort()).toEqual([
      'sb-aa: its start was killed half way',
      'sb-cc: nothing but its sockets was left',
      'sb-ff: its run had ended without it',
    ])
    expect(place.sandboxes().map((path) => basename(path))).toEqual(['sb-bb'])
    expect(['sb-cc', 'sb-dd', 'sb-ee'].map((id) => existsSync(sockets(id)))).toEqual([false, true, true])
    server.close()
  })
})

test('what others wrote is printed and does not act', async () => {
  place = newPlace()
  const evil = '/tmp/\u001b]0;owned\u0007\u001b[31mrun\u202e'
  makeSandbox(place.state, 'sb-aa', { run: evil })
  makeSandbox(place.state, 'sb-bb', { facts: { machine: '\u001b[2Jelsewhere' } })
  for (const args of [['sandboxes'], ['sandboxes', 'stop', 'sb-bb'], ['gc', '--output-dir', place.outputs]]) {
    const { stdout, stderr } = await seer(...args)
    expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(stdout + stderr).toContain('sb-')
  }
})
