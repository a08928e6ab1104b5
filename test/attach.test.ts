/** `seer attach`: a person in a live run of another process. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, repository, type Place } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

let place: Place
beforeEach(() => void (place = newPlace('seer attach-')))
afterEach(() => place[Symbol.asyncDispose]())

const SCRIPT = `import { createNotebookSession, Sandbox, Workspace } from ${JSON.stringify(join(repository, 'src/index.ts'))}
import { once } from 'node:events'
await using sandbox = await Sandbox.start()
await using session = await createNotebookSession(sandbox, new Workspace({ preloadModels: false }))
console.log(sandbox.run.folder)
const awake = setInterval(() => undefined, 1000)
await once(process, 'SIGUSR2')
clearInterval(awake)
`

async function liveRun() {
  const file = join(place.root, 'live.ts')
  writeFileSync(file, SCRIPT)
  const started = place.script(file)
  await vi.waitFor(() => expect(started.output.stdout).toContain('\n'), 60_000)
  return { folder: started.output.stdout.trim(), started }
}

const MAIN = ['--conditions=seer-source', join(repository, 'src/cli/main.ts')]

/** Not at a terminal. */
async function attached(lines: readonly string[], args: readonly string[] = []) {
  const child = spawn(process.execPath, [...MAIN, 'attach', ...args], { cwd: place.root, env: place.env })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  child.stdin.end(`${lines.join('\n')}\n`)
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, stdout, stderr }
}

/** Types each key once the screen shows what it waits for. */
async function typed(keys: readonly (readonly [after: RegExp, keys: string])[], args: readonly string[] = []) {
  const terminal = join(repository, 'test/fixtures/in_terminal.py')
  const child = spawn('python3', [terminal, process.execPath, ...MAIN, 'attach', ...args], {
    cwd: place.root,
    env: place.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let screen = ''
  let from = 0
  const left = [...keys]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    const match = left[0]?.[0].exec(screen.slice(from))
    if (!match) return
    from += match.index + match[0].length
    child.stdin.write(left.shift()![1])
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect(left).toEqual([])
  return { screen, last: screen.trimEnd().split('\n').at(-1) }
}

test('what is typed runs in its kernel, as the researcher’s, one after another; the run goes on', async () => {
  const { folder, started } = await liveRun()
  const { code, stdout, stderr } = await attached([
    'x = 6',
    'for n in range(2):',
    '    print("line", n)',
    '',
    'print(x * 7)',
    '1 / 0',
    ':nonsense',
    'print("\\x1b[31mred\\x07")',
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const text of ['42', 'line 1', 'ZeroDivisionError', 'There is no :nonsense', 'red'])
    expect(stdout).toContain(text)
  expect(stdout).not.toMatch(/[^\P{Cc}\n\t]/u)
  const log = await logOf(folder)
  expect(
    log
      .of('cell-start')
      .slice(1)
      .map(({ by, code: source }) => [by, source]),
  ).toEqual([
    ['researcher', 'x = 6'],
    ['researcher', 'for n in range(2):\n    print("line", n)'],
    ['researcher', 'print(x * 7)'],
    ['researcher', '1 / 0'],
    ['researcher', 'print("\\x1b[31mred\\x07")'],
  ])
  expect(log.status).toBeUndefined()
  // What was before is not told again.
  const again = await attached(['print("now")'])
  expect(again.stdout).toContain('now')
  expect(again.stdout).not.toContain('ZeroDivisionError')
  started.child.kill('SIGUSR2')
  await started.ended
  expect((await logOf(folder)).status).toBe('completed')
})

test('at a terminal: Ctrl-C interrupts one’s own cell, and then forgets a line; Ctrl-D leaves', async () => {
  const { folder, started } = await liveRun()
  const { screen, last } = await typed([
    [/>>> /, 'import time; print("a", "sleep"); time.sleep(60)\r'],
    [/a sleep/, '\x03'],
    [/KeyboardInterrupt[^]*>>> /, 'never_run = 1'],
    [/never_run = 1/, '\x03'],
    [/Ctrl-D leaves/, 'print("and", "on")\r'],
    [/and on[^]*>>> /, '\x04'],
  ])
  expect(last).toBe('exit=0 terminal=restored')
  expect(screen).toContain('KeyboardInterrupt')
  const log = await logOf(folder)
  expect(
    log
      .of('cell-start')
      .slice(1)
      .map(({ code }) => code),
  ).toEqual(['import time; print("a", "sleep"); time.sleep(60)', 'print("and", "on")'])
  expect(
    log
      .of('cell-end')
      .slice(1)
      .map(({ status }) => status),
  ).toEqual(['error', 'ok'])
  started.child.kill('SIGUSR2')
  await started.ended
})

test('beside an agent: it waits while one types, is told, and what it does is shown until the run ends', async () => {
  await using api = await loopbackMessages(
    script(cell('import time\nz = 1\ntime.sleep(3)'), cell('print("z is", z)'), cell('time.sleep(1)')),
  )
  const started = place.run(api.url)
  await api.asked(1)
  await vi.waitFor(async () => expect((await logOf(place.runs()[0]!)).of('cell-start')).toHaveLength(3), 60_000)
  const { screen, last } = await typed([
    [/>>> /, 'z = '],
    // It has the floor from the first key on; the agent's cell ends meanwhile.
    [/└ ok/, '7\r'],
    [/by the researcher[^]*└ ok[^]*>>> /, ':say Well done.\r'],
    [/The agent is told/, ''],
  ])
  expect(last).toBe('exit=0 terminal=restored')
  expect(screen).toContain('z is 7')
  expect(screen).toMatch(/The run \S+ has ended \(completed\)/)
  const { code } = await started.ended
  expect(code).toBe(0)
  const log = await logOf(place.runs()[0]!)
  expect(
    log
      .of('cell-start')
      .slice(2)
      .map(({ by, code: source }) => [by, source]),
  ).toEqual([
    ['agent:agent', 'import time\nz = 1\ntime.sleep(3)'],
    ['researcher', 'z = 7'],
    ['agent:agent', 'print("z is", z)'],
    ['agent:agent', 'time.sleep(1)'],
  ])
  expect(log.of('agent-message').map(({ by, text }) => [by, text])).toContainEqual(['researcher', 'Well done.'])
  expect(JSON.stringify(api.requests.at(-1)!.messages)).toContain('by the researcher (ok)')
})

test('where no run goes on, and where it is another’s', async () => {
  for (const args of [[], ['some-run']]) {
    const { code, stderr, stdout } = await attached([], args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/goes on now/)
  }
})
