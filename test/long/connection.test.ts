/** What is between the harness and the kernel is killed in mid-cell. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { cell, script, toldOf } from '../fixtures/agent-script.ts'
import { newPlace, type Place } from '../fixtures/place.ts'
import { isAlive, until } from '../fixtures/processes.ts'
import { logOf, numbered, shownBy } from '../fixtures/run-folder.ts'
import { loopbackMessages } from '../loopback-messages.ts'

const COUNT = 120
/** In the workspace, which only the agent's code can tell of. */
const RAN = 'ran.txt'
const HOW_OFTEN = `print(open("${RAN}").read())`
const counting = `import time
open("${RAN}", "a").write("it ran\\n")
for n in range(${COUNT}):
    print("line", n)
    time.sleep(0.05)`

async function agentPrinted(place: Place, text: string): Promise<void> {
  await until(`"${text}" in the log`, async () => {
    const folder = place.runs()[0]
    return (
      folder !== undefined &&
      (await logOf(folder)).of('cell-output').some(({ output }) => JSON.stringify(output).includes(text))
    )
  })
}

test('relay killed again and again in one cell: every line once and in order, the cell ran once', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell(counting), cell(HOW_OFTEN)))
  const run = place.run(api.url)
  await agentPrinted(place, 'line 0')
  const killed: number[] = []
  for (let round = 0; round < 4; round++) {
    await until('a relay', () => place.processes().some(({ kind, pid }) => kind === 'relay' && !killed.includes(pid)))
    const relay = place.processes().find(({ kind, pid }) => kind === 'relay' && !killed.includes(pid))!
    process.kill(relay.pid, 'SIGKILL')
    killed.push(relay.pid)
    await sleep(700)
  }
  const { code, stderr } = await run.ended
  expect(stderr).toBe('')
  expect(code).toBe(0)
  const folder = place.runs()[0]!
  const log = await logOf(folder)
  expect(log.printed('c3')).toBe(numbered(COUNT))
  expect(shownBy(folder, 'it ran')).toBe(numbered(COUNT))
  expect(toldOf(api, 1)).toContain(`line ${COUNT - 1}`)
  expect(log.printed('c4')).toBe('it ran\n\n')
  const lost = log.of('notice-add').filter(({ code: name }) => name === 'connection-lost')
  expect(lost.length).toBeGreaterThanOrEqual(killed.length)
  expect(log.of('output-lost')).toEqual([])
  expect(place.processes()).toEqual([])
})

test('relay killed between a cell and the answer to it: asked again, the cell runs once', async () => {
  await using place = newPlace()
  const [first, second, ...rest] = script(
    cell('1'),
    cell(`print(open("${RAN}", "a").write("it ran\\n"))`),
    cell(HOW_OFTEN),
  )
  await using api = await loopbackMessages([first!, { ...second!, delayMs: 2_000 }, ...rest])
  const run = place.run(api.url)
  await api.asked(2)
  const host = place.processes().find(({ kind }) => kind === 'host')!
  const relay = place.processes().find(({ kind }) => kind === 'relay')!
  // Stopped, the host has the request in its socket and answers to a relay that is gone by then.
  process.kill(host.pid, 'SIGSTOP')
  await until('the cell', async () => (await logOf(place.runs()[0]!)).of('cell-start').length === 4)
  await sleep(300)
  process.kill(relay.pid, 'SIGKILL')
  await sleep(300)
  process.kill(host.pid, 'SIGCONT')
  expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
  const log = await logOf(place.runs()[0]!)
  expect(log.printed('c4')).toBe('7\n')
  expect(log.printed('c5')).toBe('it ran\n\n')
  expect(log.of('cell-end').filter(({ cell: id }) => id === 'c4')).toMatchObject([{ status: 'ok' }])
})

test('relays killed one after another before the stopped host has answered any: it is not taken for gone', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell(counting)))
  const run = place.run(api.url)
  await agentPrinted(place, 'line 0')
  const host = place.processes().find(({ kind }) => kind === 'host')!
  process.kill(host.pid, 'SIGSTOP')
  const killed = new Set<number>()
  const relay = () => place.processes().find(({ kind, pid }) => kind === 'relay' && !killed.has(pid))
  while (killed.size < 5) {
    await until('a relay', relay)
    await sleep(killed.size === 0 ? 0 : 700)
    const { pid } = relay()!
    killed.add(pid)
    process.kill(pid, 'SIGKILL')
  }
  process.kill(host.pid, 'SIGCONT')
  expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
  expect((await logOf(place.runs()[0]!)).printed('c3')).toBe(numbered(COUNT))
})

test('host killed in mid-cell: the run fails with that, the cell has no end, nothing is left', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell(counting)))
  const run = place.run(api.url)
  await agentPrinted(place, 'line 3')
  const before = place.processes()
  const host = before.find(({ kind }) => kind === 'host')!
  const killedAt = performance.now()
  process.kill(host.pid, 'SIGKILL')
  const { code, stderr } = await run.ended
  const tookMs = performance.now() - killedAt
  console.log(`host killed: the run ended after ${Math.round(tookMs)} ms`)
  expect(tookMs).toBeLessThan(60_000)
  expect(code).toBe(1)
  expect(stderr).toContain('The sandbox is gone')
  expect(stderr).not.toMatch(/^\s+at /m)
  const folder = place.runs()[0]!
  const log = await logOf(folder)
  expect(log.problems).toEqual([])
  expect(log.of('run-end')).toMatchObject([{ status: 'failed', error: { code: 'sandbox-lost' } }])
  expect(log.printed('c3')).toContain('line 3\n')
  expect(log.of('cell-end').filter(({ cell: id }) => id === 'c3')).toEqual([])
  expect(before.filter(({ pid }) => isAlive(pid))).toEqual([])
  expect(place.processes()).toEqual([])
  const check = await place.seer(['show', folder, '--check', '--json']).ended
  expect({ code: check.code, stdout: check.stdout }).toMatchObject({ code: 0 })
})
