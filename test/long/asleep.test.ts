/**
 * The machine sleeps: every process of a run is stopped for two minutes and goes on. Only the servers that it talks to are awake
 * meanwhile, as those of a laptop that is closed are.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { cell, script } from '../fixtures/agent-script.ts'
import { signalTo } from '../fixtures/cut-link.ts'
import { newPlace, type Place } from '../fixtures/place.ts'
import { until } from '../fixtures/processes.ts'
import { logOf, numbered, shownBy } from '../fixtures/run-folder.ts'
import { loopbackMessages } from '../loopback-messages.ts'

const ASLEEP_MS = 120_000
const COUNT = 100
const COUNTING = `import time
for n in range(${COUNT}):
    print("line", n)
    time.sleep(0.05)`

async function fallAsleep(place: Place): Promise<void> {
  // Again, for what was being started at that moment.
  const stopped = new Set<number>()
  for (let round = 0; round < 3; round++) {
    for (const { pid } of place.processes()) {
      signalTo(pid, 'SIGSTOP')
      stopped.add(pid)
    }
    await sleep(50)
  }
  await sleep(ASLEEP_MS)
  for (const pid of stopped) signalTo(pid, 'SIGCONT')
}

async function inTheMiddle(place: Place): Promise<string> {
  await until('a cell in the middle', async () => {
    const folder = place.runs()[0]
    return folder !== undefined && (await logOf(folder)).printed('c3').includes('line 3\n')
  })
  return place.runs()[0]!
}

describe.concurrent('two minutes asleep', () => {
  test('in the middle of a cell: it goes on, and its record is whole', async () => {
    await using place = newPlace()
    await using api = await loopbackMessages(script(cell(COUNTING), cell('print("behind", n)')))
    const run = place.run(api.url)
    const folder = await inTheMiddle(place)
    await fallAsleep(place)
    expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
    const log = await logOf(folder)
    expect(log.printed('c3')).toBe(numbered(COUNT))
    expect(shownBy(folder, 'range')).toBe(numbered(COUNT))
    expect(log.printed('c4')).toBe(`behind ${COUNT - 1}\n`)
    expect(log.of('output-lost')).toEqual([])
    expect(log.of('cell-end').filter(({ status }) => status !== 'ok')).toEqual([])
    expect((await place.seer(['show', folder, '--check']).ended).code).toBe(0)
  })

  test('while the model is asked, and the connection is gone by then: it is asked again', async () => {
    await using place = newPlace()
    const [first, ...rest] = script(cell('print("asked once more")'))
    await using api = await loopbackMessages([
      { say: 'Well,', breaks: 'reset', delayMs: ASLEEP_MS / 2 },
      first!,
      ...rest,
    ])
    const run = place.run(api.url)
    await until('the request', () => api.requests.length === 1, 60_000)
    await fallAsleep(place)
    expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
    const log = await logOf(place.runs()[0]!)
    expect(log.of('agent-retry')).toHaveLength(1)
    expect(api.violations).toEqual([])
    expect(log.printed('c3')).toBe('asked once more\n')
  })

  test('a lease that is shorter, with nobody attached: only the time in which the host ran has counted', async () => {
    await using place = newPlace()
    await using api = await loopbackMessages(script(cell(COUNTING)))
    const run = place.run(api.url)
    const folder = await inTheMiddle(place)
    process.kill(run.pid, 'SIGKILL')
    await run.ended
    await fallAsleep(place)
    // Longer than a tick of the lease, and than the cell has left.
    await sleep(8000)
    expect(place.processes().map(({ kind }) => kind)).toContain('kernel')
    expect(await place.seer(['show', folder]).ended).toMatchObject({ code: 0 })
    const log = await logOf(folder)
    expect(log.printed('c3')).toBe(numbered(COUNT))
    expect(log.of('cell-end').at(-1)).toMatchObject({ cell: 'c3', status: 'ok' })
    expect(place.processes()).toEqual([])
  })
})
