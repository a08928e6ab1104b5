/** Folders that are named oddly, are too long for a socket, or cannot be written to; and runs that share theirs. */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Run } from '../src/run/run.ts'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, repository, type Place } from './fixtures/place.ts'
import { until } from './fixtures/processes.ts'
import { logOf, numbered } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const undo: (() => void)[] = []
afterAll(() => undo.forEach((step) => step()))

function checkoutIn(place: Place): string {
  const checkout = join(place.root, 'check out ü 検')
  for (const name of [
    'package.json',
    'package-lock.json',
    'src',
    'python',
    'experiments',
    'launcher',
    'scripts',
    'seer',
  ]) {
    cpSync(join(repository, name), join(checkout, name), { recursive: true })
  }
  symlinkSync(join(repository, 'node_modules'), join(checkout, 'node_modules'))
  cpSync(join(repository, 'test/fixtures/plain'), join(checkout, 'experiments/plain'), { recursive: true })
  return checkout
}

/** Root may write where permissions say no, so for root it is a read-only mount. */
function makeReadOnly(folder: string): boolean {
  if (process.getuid?.() !== 0) {
    execFileSync('chmod', ['-R', 'a-w', folder])
    undo.push(() => execFileSync('chmod', ['-R', 'u+w', folder]))
    return true
  }
  try {
    execFileSync('mount', ['--bind', folder, folder], { stdio: 'ignore' })
    undo.push(() => execFileSync('umount', ['--lazy', folder]))
    execFileSync('mount', ['-o', 'remount,ro,bind', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('a read-only checkout, and folders with spaces and letters of other scripts: a whole run', async ({ skip }) => {
  const place = newPlace('seer tést ж-')
  undo.push(() => void place[Symbol.asyncDispose]())
  const checkout = checkoutIn(place)
  if (!makeReadOnly(checkout)) skip('this user may not mount')
  const outputs = join(place.root, 'aus gaben ñ')
  await using api = await loopbackMessages(
    script(cell('import lamps, os\nprint(lamps.lamps(1), os.getcwd())\nopen("ö f.txt", "w").write("kept")'), [
      'save_artifact',
      { path: 'ö f.txt' },
    ]),
  )
  const env = { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url }
  const ended = await place.seer(['run', 'plain', '--provider', 'claude', '--output-dir', outputs], { env, checkout })
    .ended
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const shown = await place.seer(['list', '--json', '--output-dir', outputs], { checkout }).ended
  const { folder } = JSON.parse(shown.stdout.trim().split('\n').at(-1)!) as { folder?: string }
  expect(existsSync(join(folder ?? outputs, 'report.html'))).toBe(true)
  const log = await logOf(folder ?? join(outputs, 'none'))
  expect(log.printed('c3')).toContain('/workspace')
  expect(log.of('artifact-save')).toMatchObject([{ name: 'ö f.txt', bytes: 4 }])
  expect(await place.seer(['show', 'latest', '--check', '--output-dir', outputs], { checkout }).ended).toMatchObject({
    code: 0,
  })
  expect(place.processes()).toEqual([])

  const inside = await place.seer(['run', 'plain', '--provider', 'claude'], { env, checkout, cwd: checkout }).ended
  expect(inside.code).not.toBe(0)
  expect(inside.stderr).toMatch(/No run folder can be made in .*outputs.*[^]*--output-dir/)
  expect(inside.stderr).not.toMatch(/^\s+at /m)
})

test('a runtime folder whose path is too long for a socket: another one is used', async () => {
  await using place = newPlace()
  const long = join(place.root, 'x'.repeat(120))
  mkdirSync(long, { mode: 0o700 })
  await using api = await loopbackMessages(script(cell('print("works")')))
  expect(await place.run(api.url, [], { env: { XDG_RUNTIME_DIR: long } }).ended).toMatchObject({ code: 0, stderr: '' })
  const log = await logOf(place.runs()[0]!)
  expect(log.printed('c3')).toBe('works\n')
  expect(log.of('sandbox-start')[0]?.attach['runtimeDir']).not.toContain(long)
})

test.each([
  ['the output folder', 'outputs', /No run folder can be made in .*[^]*--output-dir/],
  ['the state folder', 'state', /state/],
])('%s cannot be written to: one clear error', async (_, name, message) => {
  await using place = newPlace()
  const file = join(place.root, 'a file')
  writeFileSync(file, '')
  chmodSync(file, 0o444)
  await using api = await loopbackMessages(script())
  const args = name === 'outputs' ? ['--output-dir', join(file, 'outputs')] : []
  const env: Record<string, string> = name === 'state' ? { XDG_STATE_HOME: file } : {}
  const ended = await place.run(api.url, args, { env }).ended
  expect([1, 2, 3]).toContain(ended.code)
  expect(ended.stderr).toMatch(message)
  expect(ended.stderr).not.toMatch(/^\s+at /m)
  expect(place.processes()).toEqual([])
})

const counting = (word: string) =>
  `import time\nfor n in range(50):\n    print("line", n)\n    time.sleep(0.02)\nprint("${word}")`

test('two runs at once in the same folders: each whole, each locked, the last line of --json about its own', async () => {
  await using place = newPlace()
  const words = ['left', 'right']
  const ended = await Promise.all(
    words.map(async (word) => {
      await using api = await loopbackMessages(script(cell(counting(word))))
      const run = place.run(api.url, ['--json'])
      await api.asked(1)
      return await run.ended
    }),
  )
  expect(ended.map(({ code }) => code)).toEqual([0, 0])
  const folders = ended.map(
    ({ stdout }) => (JSON.parse(stdout.trim().split('\n').at(-1)!) as { folder: string }).folder,
  )
  expect([...folders].sort()).toEqual(place.runs())
  for (const [n, folder] of folders.entries()) {
    const log = await logOf(folder)
    expect(log.problems).toEqual([])
    expect(log.printed('c3')).toBe(`${numbered(50)}${words[n]}\n`)
    expect(log.status).toBe('completed')
    expect(new Set(log.events.map(({ run }) => run)).size).toBe(1)
  }
  expect(place.processes()).toEqual([])
  expect(place.sandboxes()).toEqual([])
})

test('a run that goes on: no second writer, show and list tell of it, gc leaves it alone', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell('import time\nprint("on", flush=True)\ntime.sleep(600)')))
  const run = place.run(api.url)
  await until(
    'its cell',
    async () => place.runs()[0] !== undefined && (await logOf(place.runs()[0]!)).printed('c3') === 'on\n',
  )
  const folder = place.runs()[0]!
  await expect(Run.reopen(folder)).rejects.toMatchObject({
    code: 'run-locked',
    message: expect.stringContaining(`process ${run.pid}`),
  })
  const before = (await logOf(folder)).events.length
  const commands = [
    ['gc', '--json', '--output-dir', place.outputs],
    ['list', '--json', '--output-dir', place.outputs],
    ['show', folder, '--json'],
  ]
  const [gc, list, show] = await Promise.all(commands.map((args) => place.seer(args).ended))
  expect([gc!.code, list!.code, show!.code]).toEqual([0, 0, 0])
  const last = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1)!) as unknown
  expect(last(gc!.stdout)).toMatchObject({ runs: 0, problems: 0 })
  expect(last(show!.stdout)).toMatchObject({ folder, status: 'running', problems: 0 })
  expect(list!.stdout).toContain('"running"')
  expect((await logOf(folder)).events).toHaveLength(before)
  process.kill(run.pid, 'SIGINT')
  expect(await run.ended).toMatchObject({ code: 130 })
  expect((await logOf(folder)).status).toBe('interrupted')
  expect(place.processes()).toEqual([])
})
