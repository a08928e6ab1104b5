/** `seer run` with a live agent, played by a loopback API: keys, budgets, limits, and the API's refusals. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cell, script, toldOf } from './fixtures/agent-script.ts'
import { newPlace, type Place } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const KEY = 'sk-ant-loopback-7c1f0b2d9e'
const LIMIT = 5

let place: Place
beforeAll(() => void (place = newPlace()))
afterAll(() => place[Symbol.asyncDispose]())

/** Looks for the key without naming it: in the kernel's environment, and in that of every process that it can read. */
const SEARCH = `
import glob, hashlib, os, re
def holds(data):
    found = re.findall(rb"sk-ant-loopback-[0-9a-f]+", data)
    return any(hashlib.sha256(key).hexdigest() == "${createHash('sha256').update(KEY).digest('hex')}" for key in found)
def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
own = b"\\0".join(f"{name}={value}".encode() for name, value in os.environ.items())
print("kernel", holds(own), "processes", any(holds(read(path)) for path in glob.glob("/proc/[0-9]*/environ")))
`

function filesWith(text: string, ...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
      const path = join(folder, name)
      return statSync(path).isFile() && readFileSync(path).includes(text)
    }),
  )
}

test('a key in .env reaches the API, and nothing else', async () => {
  await using api = await loopbackMessages(script(cell(SEARCH)))
  const folder = join(place.root, 'with a key')
  const outputs = join(folder, 'outputs')
  mkdirSync(folder)
  writeFileSync(join(folder, '.env'), `ANTHROPIC_API_KEY=${KEY}\nANTHROPIC_BASE_URL="${api.url}" # here\n`)
  // Keys beside the experiment are not read, and not copied.
  const experiment = place.copyExperiment()
  for (const name of ['.env', '.env.local']) writeFileSync(join(experiment, name), `ANTHROPIC_API_KEY=${KEY}0\n`)
  const ended = await place.seer(['run', experiment, '--record', 'said.json'], { cwd: folder }).ended
  expect(ended).toMatchObject({ code: 0 })
  expect(ended.stdout).toContain('ANTHROPIC_API_KEY is set in .env')
  expect(ended.stdout).toContain('Budget: 5.00 USD')
  expect(new Set(api.headers.map((headers) => headers['x-api-key']))).toEqual(new Set([KEY]))
  expect(toldOf(api, 1)).toContain('kernel False processes False')
  expect(filesWith('kernel False', folder)).toContain('said.json')
  expect(filesWith(KEY, folder)).toEqual(['.env'])
  expect(filesWith(KEY, outputs, place.state)).toEqual([])
  expect(ended.stdout + ended.stderr).not.toContain(KEY)
})

test.each([
  ['with the wall its code finds it nowhere', [], 'kernel False processes False'],
  // Were nothing found here, the others would prove nothing.
  ['without, its code can read that of its neighbours', ['--unconfined'], 'kernel False processes True'],
])('a key in the environment is not the kernel’s; %s', async (_, args, found) => {
  await using api = await loopbackMessages(script(cell(SEARCH)))
  const { code } = await place.run(api.url, args, { env: { ANTHROPIC_API_KEY: KEY } }).ended
  expect(code).toBe(0)
  expect(toldOf(api, 1)).toContain(found)
  expect(filesWith(KEY, place.outputs, place.state)).toEqual([])
})

test('an API that repeats the key in its refusal does not bring it into the log', async () => {
  const error = { type: 'authentication_error', message: `invalid x-api-key: ${KEY}` }
  await using api = await loopbackMessages([{ status: 401, error }])
  const ended = await place.run(api.url, [], { env: { ANTHROPIC_API_KEY: KEY } }).ended
  expect(ended.stderr).toMatch(/did not accept the key: invalid x-api-key: \[key\]/)
  expect(ended.stdout + ended.stderr).not.toContain(KEY)
  expect(filesWith(KEY, place.outputs, place.state)).toEqual([])
})

test('no credit: one clear line', async () => {
  const error = { type: 'invalid_request_error', message: 'Your credit balance is too low to access the API.' }
  await using api = await loopbackMessages([{ status: 400, error }])
  const ended = await place.run(api.url, ['--json']).ended
  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(/The account has no credit: Your credit balance is too low.*\n.*Add credit/)
  expect(ended.stderr).not.toMatch(/^\s+at /m)
})

test('a budget that is reached ends the run cleanly, and the exit code says so', async () => {
  const turns = script(cell('print("one")'), cell('print("two")'), cell('print("three")'))
  await using api = await loopbackMessages(turns.map((turn) => ({ ...turn, usage: { input: 2_000, output: 3_000 } })))
  const ended = await place.run(api.url, ['--json', '--budget', '0.09']).ended
  expect(ended.code).toBe(LIMIT)
  const last = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
  expect(last).toMatchObject({ status: 'completed', limit: expect.stringContaining('budget of this run'), cells: 2 })
  const folder = String(last['folder'])
  const log = await logOf(folder)
  expect(log.of('run-start')).toMatchObject([{ budgetUsd: 0.09 }])
  expect(log.of('agent-end')).toMatchObject([{ reason: 'limit' }])
  const facts = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { costUsd: number }
  // Two answers of 2,000 × 2 + 3,000 × 10 USD a million.
  expect(facts.costUsd).toBeCloseTo(0.068)
  expect(facts).toMatchObject({ budgetUsd: 0.09, ends: [{ reason: 'limit' }] })
  const shown = await place.seer(['show', folder]).ended
  expect(shown.stdout).toContain('0.0680 USD at list prices, of a budget of 0.0900 USD')
  expect(shown.stdout).toContain('stopped at a limit')
  expect(place.processes()).toEqual([])
})

test.each([
  ['--budget', 'much', /amount in USD/],
  ['--budget', '0', /amount in USD/],
  ['--budget', '-1', /amount in USD|argument missing/],
  ['--agent-model', 'claude-nova-9', /price of the model "claude-nova-9" is not known[^]*--budget none/],
])('%s %s is refused before anything starts', async (option, value, message) => {
  const before = place.runs()
  const ended = await place.run('http://127.0.0.1:9', [option, value]).ended
  expect(ended.stderr).toMatch(message)
  expect(ended.code).toBe(2)
  expect(place.runs()).toEqual(before)
})
