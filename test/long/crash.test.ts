/** The whole `seer run` is killed in mid-cell; the next command saves what its sandbox still holds, and ends it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cell, script, type Call } from '../fixtures/agent-script.ts'
import { newPlace, plainExperiment, type Place } from '../fixtures/place.ts'
import { isAlive, until } from '../fixtures/processes.ts'
import { logOf, numbered, shownBy, type LogFacts } from '../fixtures/run-folder.ts'
import { loopbackMessages, type LoopbackMessages } from '../loopback-messages.ts'

const COUNT = 100
const COUNTING = `import time
for n in range(${COUNT}):
    print("line", n)
    time.sleep(0.02)
seer.record({"lines": n + 1}, table="counts")
# counting`
const WAIT: Call = ['wait_cell', { cell: 'c3' }]
const FOR_EVER = `import time
while True:
    time.sleep(0.1) # without end`

let apis: LoopbackMessages[] = []
beforeAll(() => (apis = []))
afterAll(async () => {
  for (const api of apis) await api[Symbol.asyncDispose]()
})

/** A run whose process was killed while a cell printed. Its sandbox lives on, and by now holds the rest of the output. */
async function crashedRun(place: Place) {
  const api = await loopbackMessages(script(cell('print("first")'), cell(COUNTING)))
  apis.push(api)
  const known = place.runs()
  const run = place.run(api.url)
  await until('a run folder', () => place.runs().length > known.length)
  const folder = place.runs().find((name) => !known.includes(name))!
  await until('lines in the log', async () => (await logOf(folder)).printed('c4').includes('line 2\n'))
  const processes = place.processes().filter(({ kind }) => kind !== 'seer')
  process.kill(run.pid, 'SIGKILL')
  await run.ended
  return { folder, processes }
}

/** A run that goes on, in the same output and state folders. */
async function livingRun(place: Place) {
  // A call returns after 25 s, and an agent that said its last word then would end the run.
  const api = await loopbackMessages(script(cell(FOR_EVER), ...Array.from({ length: 20 }, () => WAIT)))
  apis.push(api)
  const run = place.run(api.url)
  await until('the living run', () => place.runs().length > 0)
  const folder = place.runs()[0]!
  await until('its cell', async () => (await logOf(folder)).of('cell-start').length === 3)
  const sandbox = place.sandboxes()[0]!
  const processes = place.processes()
  return { run, folder, sandbox, processes }
}

/** Until the last event that the killed process wrote: neither the wait after it nor the recovery counts. */
function livedMs({ events }: LogFacts): number {
  const recovery = events.findIndex((event) => event.type === 'notice-add' && event.code === 'run-recovered')
  return Date.parse(events[recovery - 1]!.at) - Date.parse(events[0]!.at)
}

async function expectSaved(place: Place, folder: string): Promise<void> {
  const log = await logOf(folder)
  expect(log.problems).toEqual([])
  expect(log.printed('c3')).toBe('first\n')
  expect(log.printed('c4')).toBe(numbered(COUNT))
  expect(shownBy(folder, '# counting')).toBe(numbered(COUNT))
  expect(log.of('output-lost')).toEqual([])
  expect(log.of('result-record').map(({ row }) => row)).toEqual([{ lines: COUNT }])
  expect(log.of('cell-end').filter(({ cell: id }) => id === 'c4')).toMatchObject([{ status: 'ok' }])
  expect(log.of('run-end')).toMatchObject([{ status: 'crashed', durationMs: livedMs(log) }])
  expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ durationMs: livedMs(log) })
  const seqs = log.events.flatMap(({ kernel, type }) => (kernel ? [`${kernel.seq} ${type}`] : []))
  expect(new Set(seqs).size).toBe(seqs.length)
  const check = await place.seer(['show', folder, '--check', '--json']).ended
  expect({ code: check.code, last: JSON.parse(check.stdout.trim().split('\n').at(-1)!) }).toMatchObject({
    code: 0,
    last: { status: 'crashed', problems: 0 },
  })
}

describe.each<[string, (place: Place, folder: string, url: string) => readonly string[]]>([
  ['seer show', (_, folder) => ['show', folder]],
  ['seer gc', ({ outputs }) => ['gc', '--output-dir', outputs]],
  ['seer run', ({ outputs }) => ['run', plainExperiment, '--provider', 'claude', '--output-dir', outputs]],
])('%s after the harness was killed', (_, command) => {
  test('saves all that the living host has, marks the run, ends its processes, and leaves a living run alone', async () => {
    await using place = newPlace()
    const living = await livingRun(place)
    const { folder, processes } = await crashedRun(place)
    const ofCrashed = processes.filter(({ pid }) => !living.processes.some((other) => other.pid === pid))
    expect(ofCrashed.map(({ kind }) => kind).sort()).toEqual(['host', 'kernel', 'relay', 'spawner', 'wall'])
    await sleep(COUNT * 20)
    expect(
      ofCrashed
        .filter(({ pid }) => isAlive(pid))
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['host', 'kernel', 'spawner', 'wall'])

    await using api = await loopbackMessages(script())
    const ended = await place.seer(command(place, folder, api.url), {
      env: { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url },
    }).ended
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout + ended.stderr).toContain('had crashed')

    expect(ofCrashed.filter(({ pid }) => isAlive(pid))).toEqual([])
    expect(place.sandboxes()).toEqual([living.sandbox])
    await expectSaved(place, folder)

    expect(living.processes.filter(({ pid }) => !isAlive(pid))).toEqual([])
    expect((await logOf(living.folder)).of('run-end')).toEqual([])
    process.kill(living.run.pid, 'SIGINT')
    expect((await living.run.ended).code).toBe(130)
    expect((await logOf(living.folder)).status).toBe('interrupted')
    expect(place.processes()).toEqual([])
    expect(place.sandboxes()).toEqual([])
  })
})

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'the host has ended, too (%s): what it had received is read from its files',
  async (signal) => {
    await using place = newPlace()
    const { folder, processes } = await crashedRun(place)
    await sleep(COUNT * 20 + 500)
    process.kill(processes.find(({ kind }) => kind === 'host')!.pid, signal)
    await until('the end of its processes', () => processes.every(({ pid }) => !isAlive(pid)))
    expect(place.sandboxes()).toHaveLength(1)
    expect(await place.seer(['show', folder]).ended).toMatchObject({ code: 0 })
    await expectSaved(place, folder)
    expect(place.sandboxes()).toEqual([])
  },
)

test('the host was killed while it wrote: what is whole is saved, and the cell has no end', async () => {
  await using place = newPlace()
  const { folder, processes } = await crashedRun(place)
  process.kill(processes.find(({ kind }) => kind === 'host')!.pid, 'SIGKILL')
  expect(await place.seer(['gc', '--output-dir', place.outputs]).ended).toMatchObject({ code: 0 })
  const log = await logOf(folder)
  expect(log.status).toBe('crashed')
  expect(numbered(COUNT).startsWith(log.printed('c4'))).toBe(true)
  expect(log.of('cell-end').filter(({ cell: id }) => id === 'c4')).toEqual([])
  expect(existsSync(`${folder}/run.lock`)).toBe(false)
  expect(place.sandboxes()).toEqual([])
  expect(place.processes()).toEqual([])
})
