/** A plain script leaves the same kind of run folder as `seer run`, however it ends. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, repository, type Place } from './fixtures/place.ts'
import { isAlive, until } from './fixtures/processes.ts'
import { logOf, notebookOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const INDEX = JSON.stringify(join(repository, 'src/index.ts'))
const OPENING = `import { createNotebookSession, Library, runAgent, Sandbox, Workspace } from ${INDEX}
await using sandbox = await Sandbox.start()
const workspace = new Workspace({ libraries: [Library.fromFile('./lamps.py')] })
await using session = await createNotebookSession(sandbox, workspace)
`
const AGENT = `for await (const _ of runAgent({ prompt: session.modelInfoText + '\\n\\nCount lamps.', mcpConfig: session.mcpConfig })) {}
`

function write(place: Place, body: string): string {
  place.copyExperiment('script')
  const file = join(place.root, 'script', 'counting-lamps.ts')
  writeFileSync(file, body)
  return file
}

async function runScript(place: Place, body: string, env: Record<string, string> = {}) {
  const file = write(place, body)
  const ended = await place.script(file, { cwd: join(place.root, 'script'), env }).ended
  return { ...ended, folder: folderOf(place), log: await logOf(folderOf(place)) }
}

function folderOf(place: Place): string {
  const outputs = join(place.root, 'script', 'outputs')
  const [name, ...more] = existsSync(outputs) ? readdirSync(outputs) : []
  expect(more).toEqual([])
  return join(outputs, name ?? 'none')
}

interface Left {
  readonly processes: unknown[]
  readonly sandboxes: string[]
}

/** What is left of a script that could not terminate its sandbox is ended by `seer gc`, or by its lease. */
async function leftAfterGc(place: Place): Promise<Left> {
  await place.seer(['gc', '--output-dir', join(place.root, 'script/outputs')]).ended
  return leftOf(place)
}

const leftOf = (place: Place): Left => ({ processes: place.processes(), sandboxes: place.sandboxes() })
const NOTHING: Left = { processes: [], sandboxes: [] }

test('completed: log, notebook, run.json, results and source are there, and agree', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(
    script(cell('import lamps\nseer.record({"text": lamps.lamps(2)}, table="lamps")\nprint("counted")')),
  )
  const { code, stdout, folder, log } = await runScript(
    place,
    `${OPENING}const { text } = await session.exec('print("mine")'); console.log('script:', text)\n${AGENT}`,
    { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url },
  )
  expect(code).toBe(0)
  expect(stdout).toContain('script: mine')
  expect(stdout).toContain('counted')
  expect(api.violations).toEqual([])
  expect(folder).toMatch(/\/\d{4}-\d\d-\d\d-counting-lamps-\w{4}$/)
  expect(log.status).toBe('completed')
  expect(log.of('run-start')).toMatchObject([{ experiment: 'counting-lamps', provider: 'script' }])
  expect(log.of('cell-start').map(({ by, code: text }) => [by, text.split('\n')[0]])).toEqual([
    ['setup', 'seer.setup()'],
    ['researcher', 'print("mine")'],
    ['agent:agent', 'import lamps'],
  ])
  expect(readdirSync(folder)).toEqual(
    expect.arrayContaining(['artifacts', 'events.jsonl', 'notebook.ipynb', 'results', 'run.json', 'source']),
  )
  expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ status: 'completed' })
  expect(readFileSync(join(folder, 'results/lamps.jsonl'), 'utf8')).toContain('"lamp lamp "')
  expect(notebookOf(folder).cells.filter(({ cell_type }) => cell_type === 'code')).toHaveLength(3)
  expect(readdirSync(join(folder, 'source'))).toContain('counting-lamps.ts')
  expect(leftOf(place)).toEqual(NOTHING)
  const check = await place.seer(['show', folder, '--check']).ended
  expect(check).toMatchObject({ code: 0 })
})

test('a script that throws: failed, with what it threw', async () => {
  await using place = newPlace()
  const { code, stderr, log } = await runScript(
    place,
    `${OPENING}await session.exec('print(1)')\nthrow new Error('not today')\n`,
  )
  expect(code).toBe(1)
  expect(stderr).toContain('not today')
  expect(log.of('run-end')).toMatchObject([{ status: 'failed', error: { message: 'not today' } }])
  expect(log.printed('c2')).toBe('1\n')
  expect(leftOf(place)).toEqual(NOTHING)
})

test('a Python error in its own cell is data, and the script completes', async () => {
  await using place = newPlace()
  const { code, stdout, log } = await runScript(place, `${OPENING}console.log(await session.exec('1 / 0'))\n`)
  expect(code).toBe(0)
  expect(stdout).toContain("status: 'error'")
  expect(stdout).toContain('ZeroDivisionError')
  expect(log.status).toBe('completed')
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s: interrupted, and nothing is left of its sandbox', async (signal) => {
  await using place = newPlace()
  const file = write(
    place,
    `${OPENING}await session.exec('import time; print("asleep", flush=True); time.sleep(600)')\n`,
  )
  const started = place.script(file, { cwd: join(place.root, 'script') })
  await until('its cell', async () => (await logOf(folderOf(place))).printed('c2') === 'asleep\n')
  const before = place.processes()
  process.kill(started.pid, signal)
  const ended = await started.ended
  expect(ended).toMatchObject({ signal })
  const log = await logOf(folderOf(place))
  expect(log.status).toBe('interrupted')
  expect(await leftAfterGc(place)).toEqual(NOTHING)
  expect(before.filter(({ pid }) => isAlive(pid))).toEqual([])
})

test('a script that forgets to terminate: completed, and its process ends by itself', async () => {
  await using place = newPlace()
  const { code, log, tookMs } = await runScript(
    place,
    OPENING.replaceAll('await using', 'const') + `await session.exec('print("and gone")')\n`,
  )
  console.log(`forgot to terminate: ended after ${Math.round(tookMs)} ms`)
  expect(code).toBe(0)
  expect(log.status).toBe('completed')
  expect(log.printed('c2')).toBe('and gone\n')
  expect(await leftAfterGc(place)).toEqual(NOTHING)
})

test.each([
  [3, 'failed'],
  [0, 'completed'],
])('process.exit(%i) in the middle: %s, and what was printed is there', async (exitCode, status) => {
  await using place = newPlace()
  const { code, log, folder } = await runScript(
    place,
    `${OPENING}await session.exec('print("before")')\nprocess.exit(${exitCode})\n`,
  )
  expect(code).toBe(exitCode)
  expect(log.status).toBe(status)
  expect(log.printed('c2')).toBe('before\n')
  expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ status })
  expect(await leftAfterGc(place)).toEqual(NOTHING)
})

test('an unknown option: one error that names it, and no run folder with a sandbox', async () => {
  await using place = newPlace()
  const { code, stderr } = await runScript(
    place,
    `import { Sandbox } from ${INDEX}\nawait Sandbox.start({ modles: [] })\n`,
  )
  expect(code).toBe(1)
  expect(stderr).toContain('there is no "modles"; did you mean "models"?')
  expect(leftOf(place)).toEqual(NOTHING)
})
