/** Runs in processes of their own, in which somebody takes part from outside: by their control socket, and by `seer stop`. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { knownEvents } from '../src/run/events.ts'
import { connectControl } from '../src/run/control.ts'
import { readLock } from '../src/run/lock.ts'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, repository, type Place, type Started } from './fixtures/place.ts'
import { until } from './fixtures/processes.ts'
import { logOf, shownBy } from './fixtures/run-folder.ts'
import { loopbackMessages, type LoopbackMessages, type ScriptedAnswer } from './loopback-messages.ts'

let place: Place
let apis: LoopbackMessages[]
beforeEach(() => {
  place = newPlace()
  apis = []
})
afterEach(async () => {
  for (const api of apis) await api[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
})

const SLEEP = 'import time\nprint("asleep", flush=True)\ntime.sleep(600)'
const NAP = 'import time\nprint("asleep", flush=True)\ntime.sleep(3)'

async function playing(...turns: ScriptedAnswer[]): Promise<LoopbackMessages> {
  const api = await loopbackMessages(turns)
  apis.push(api)
  return api
}

const asleep = async (folder: string) => (await logOf(folder)).of('cell-output').some(({ output }) => textOf(output))
const textOf = (output: object) => 'text' in output && String(output.text).includes('asleep')

/** A run that goes on, in the middle of a cell that sleeps. */
async function sleeping(code = SLEEP, args: string[] = []) {
  const api = await playing(...script(cell(code)))
  const known = place.runs()
  const run = place.run(api.url, args)
  await until('a run folder', () => place.runs().length > known.length)
  const folder = place.runs().find((name) => !known.includes(name))!
  await until('its cell', () => asleep(folder))
  return { api, run, folder }
}

const page = (folder: string, deadlineMs = 2000) => connectControl(folder, { from: 'page', deadlineMs })
const failing = (code: string) => expect.objectContaining({ code }) as Error
const steersOf = async (folder: string) =>
  (await logOf(folder)).of('run-steer').map(({ by, action, from, agent }) => [by, action, from, agent])

async function expectSound(folder: string): Promise<void> {
  expect(place.processes()).toEqual([])
  expect(readLock(folder)).toBeUndefined()
  expect(sockets()).toEqual([])
  expect(await place.seer(['show', folder, '--check']).ended).toMatchObject({ code: 0 })
}

function sockets(): string[] {
  const folder = join(place.root, 'r/seer/control')
  return existsSync(folder) ? readdirSync(folder) : []
}

test('a message from the page is told before the model is asked again', async () => {
  const { api, run, folder } = await sleeping(NAP)
  const text = 'Look at <layer> 7 & 8.\n"Now".'
  using control = await page(folder)
  await control.message(text)
  await until('its next request', () => api.requests.length === 2)
  expect(api.requests[1]!.messages.at(-1)!.content).toContainEqual(expect.objectContaining({ type: 'text', text }))
  const ended = await run.ended
  const log = await logOf(folder)
  expect(ended.code).toBe(0)
  expect(log.of('agent-message').filter(({ by }) => by === 'researcher')).toMatchObject([
    { agent: 'agent', role: 'user', text },
  ])
  expect(await steersOf(folder)).toEqual([['researcher', 'message', 'page', 'agent']])
  expect(ended.stdout).toContain('the researcher wrote to agent (from the page)')
  await expectSound(folder)
})

test('an interrupt from the page does what ESC does: the agent ends, the experiment goes on, all is saved', async () => {
  const { run, folder } = await sleeping()
  using control = await page(folder)
  const before = performance.now()
  await control.interrupt()
  const ended = await run.ended
  console.log(`interrupted and ended after ${Math.round(performance.now() - before)} ms`)
  expect(ended.code).toBe(130)
  expect(ended.stdout).toContain('the researcher interrupted the agent (from the page)')
  const log = await logOf(folder)
  expect(log.of('tool-end')).toMatchObject([{ structured: { error: 'interrupted' } }])
  expect(log.of('agent-end')).toMatchObject([{ reason: 'interrupted' }])
  expect(log.of('session-end')).toHaveLength(1)
  expect(log.status).toBe('interrupted')
  expect(await steersOf(folder)).toEqual([['researcher', 'interrupt', 'page', undefined]])
  expect(shownBy(folder, 'time.sleep(600)')).toContain('asleep')
  await expectSound(folder)
})

test('seer stop ends the one run that goes on, waits for it, and is content with one that has ended', async () => {
  const { run, folder } = await sleeping()
  const stopped = await place.seer(['stop', '--json', '--output-dir', place.outputs]).ended
  expect(stopped).toMatchObject({ code: 0 })
  expect(JSON.parse(stopped.stdout)).toEqual({ run: basename(folder), folder, status: 'interrupted' })
  const ended = await run.ended
  expect(ended.code).toBe(130)
  expect(ended.stderr).toContain('The run was stopped by a command. Saving; Ctrl-C to stop at once.')
  expect((await logOf(folder)).status).toBe('interrupted')
  expect(await steersOf(folder)).toEqual([['researcher', 'stop', 'command', undefined]])
  await expectSound(folder)
  const again = await place.seer(['stop', folder]).ended
  expect(again).toMatchObject({ code: 0, stdout: `${basename(folder)} has ended already: interrupted.\n` })
  const none = await place.seer(['stop', '--output-dir', place.outputs]).ended
  expect(none.code).toBe(2)
  expect(none.stderr).toContain('goes on now')
})

test('seer stop asks which of two; two clients at one run; SIGTERM is nobody’s decision', async () => {
  const [first, second] = [await sleeping(), await sleeping()]
  const which = await place.seer(['stop', '--output-dir', place.outputs]).ended
  expect(which.code).toBe(2)
  for (const { folder } of [first, second]) expect(which.stderr).toContain(basename(folder))
  using one = await page(first.folder)
  using other = await page(first.folder)
  await Promise.all([one.interrupt(), one.interrupt(), other.ping()])
  await Promise.all([other.stop(), one.stop()])
  expect((await first.run.ended).code).toBe(130)
  expect((await steersOf(first.folder)).map(([, action]) => action)).toEqual(['interrupt', 'stop'])
  process.kill(second.run.pid, 'SIGTERM')
  expect((await second.run.ended).code).toBe(130)
  expect((await logOf(second.folder)).status).toBe('interrupted')
  expect(await steersOf(second.folder)).toEqual([])
  await expectSound(first.folder)
})

test('a run is stopped before its sandbox is there', async () => {
  const api = await playing()
  const run = place.run(api.url)
  await until('its socket', () => place.runs().some((folder) => readLock(folder)?.alive))
  const folder = place.runs()[0]!
  await until('its start', () => existsSync(join(folder, 'events.jsonl')))
  const stopped = await place.seer(['stop', folder]).ended
  expect(stopped.stdout).toContain('has ended: interrupted.')
  expect((await run.ended).code).toBe(130)
  expect((await logOf(folder)).of('agent-start')).toEqual([])
  await expectSound(folder)
})

test('a played recording cannot be told anything, and can be interrupted', async () => {
  const api = await playing(...script(cell(NAP)))
  const said = join(place.root, 'said.json')
  expect((await place.run(api.url, ['--record', said]).ended).code).toBe(0)
  const before = place.runs()
  const args = ['run', join(repository, 'test/fixtures/plain'), '--recording', said, '--output-dir', place.outputs]
  const run = place.seer(args)
  await until('the second run', () => place.runs().length > before.length)
  const folder = place.runs().find((name) => !before.includes(name))!
  await until('its cell', () => asleep(folder))
  using control = await page(folder)
  await expect(control.message('Hello?')).rejects.toEqual(failing('agent-recorded'))
  await control.interrupt()
  expect((await run.ended).code).toBe(130)
  expect((await logOf(folder)).of('agent-end')).toMatchObject([{ reason: 'interrupted' }])
  expect(await steersOf(folder)).toEqual([['researcher', 'interrupt', 'page', undefined]])
  await expectSound(folder)
})

test('a writer that was killed is not live; one that is halted does not answer, until it goes on', async () => {
  const killed = await sleeping()
  using control = await page(killed.folder)
  process.kill(killed.run.pid, 'SIGKILL')
  await killed.run.ended
  await expect(control.stop()).rejects.toEqual(failing('run-not-live'))
  await expect(page(killed.folder)).rejects.toEqual(failing('run-not-live'))
  const told = await place.seer(['stop', killed.folder]).ended
  expect(told.stdout).toMatch(/has ended already: crashed\. `.*gc.*` saves the rest\./)
  expect(sockets()).toHaveLength(1)

  const halted = await sleeping()
  process.kill(halted.run.pid, 'SIGSTOP')
  const before = performance.now()
  await expect(page(halted.folder)).rejects.toEqual(failing('control-no-answer'))
  expect(performance.now() - before).toBeLessThan(3000)
  const stop = await place.seer(['stop', halted.folder]).ended
  expect(stop).toMatchObject({ code: 1 })
  expect(stop.stderr).toMatch(new RegExp(`process ${halted.run.pid} .*does not answer[^]*kill -INT ${halted.run.pid}`))
  process.kill(halted.run.pid, 'SIGCONT')
  // What was asked while it was halted was given up; now it is asked again.
  expect((await place.seer(['stop', halted.folder]).ended).code).toBe(0)
  await halted.run.ended
})

const INDEX = JSON.stringify(join(repository, 'src/index.ts'))
const OPENING = `import { createNotebookSession, runAgent, Sandbox, Workspace } from ${INDEX}
await using sandbox = await Sandbox.start()
await using session = await createNotebookSession(sandbox, new Workspace())
const work = async (role) => {
  for await (const event of runAgent({ prompt: 'P', mcpConfig: session.mcpConfig, role })) if (event.type === 'agent-end') console.log(role, event.reason)
}
`

async function startScript(api: LoopbackMessages, body: string): Promise<{ run: Started; folder: string }> {
  const file = join(place.root, 'counting.ts')
  writeFileSync(file, OPENING + body)
  const run = place.script(file, { env: { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url } })
  await until('its run', () => place.runs().length > 0)
  return { run, folder: place.runs()[0]! }
}

test('a plain script: stopped, its agent and sandbox end, its code goes on to its end', async () => {
  const api = await playing(...script(cell(SLEEP)))
  const { run, folder } = await startScript(api, `await work('worker')\nconsole.log('after')\n`)
  await until('its cell', () => asleep(folder))
  const stopped = await place.seer(['stop', folder]).ended
  expect(stopped).toMatchObject({ code: 0 })
  const ended = await run.ended
  expect(ended.stdout).toMatch(/worker interrupted\nafter/)
  expect(ended.stderr).toContain('seer: The run was stopped by a command.')
  const log = await logOf(folder)
  expect(log.of('run-end')).toMatchObject([{ status: 'interrupted' }])
  expect(log.of('sandbox-end')).toMatchObject([{ reason: 'terminated' }])
  await expectSound(folder)
})

test('a plain script: a cell of its own that is waited for ends with an error, which is no failure of the run', async () => {
  const { run, folder } = await startScript(await playing(), `await session.exec(${JSON.stringify(SLEEP)})\n`)
  await until('its cell', () => asleep(folder))
  using control = await page(folder)
  await expect(control.message('Hello?')).rejects.toEqual(failing('agent-none'))
  await expect(control.interrupt()).rejects.toEqual(failing('agent-none'))
  await control.stop()
  const ended = await run.ended
  expect(ended.code).toBe(1)
  const [end] = (await logOf(folder)).of('run-end')
  expect(end).toMatchObject({ status: 'interrupted' })
  expect(end).not.toHaveProperty('error')
  await expectSound(folder)
})

test('a plain script with two agents: who is meant must be said, an interrupt reaches both', async () => {
  const turn = (n: number) => ({ calls: [{ id: `call_${n}`, name: 'execute_code', input: { code: SLEEP } }] })
  const { run, folder } = await startScript(
    await playing(turn(1), turn(2)),
    `await Promise.all([work('left'), work('right')])\n`,
  )
  await until('its cell', () => asleep(folder))
  using control = await page(folder)
  await expect(control.message('Hello?')).rejects.toEqual(failing('agent-several'))
  await expect(control.message('Hello?', 'middle')).rejects.toEqual(failing('agent-unknown'))
  await control.message('You there?', 'right')
  await control.interrupt()
  const ended = await run.ended
  expect(ended.code).toBe(0)
  expect(ended.stdout).toContain('left interrupted')
  expect(ended.stdout).toContain('right interrupted')
  const log = await logOf(folder)
  // Whoever was spoken to and then interrupted was not told, and the log says so.
  expect(log.of('notice-add').map(({ code, agent }) => [code, agent])).toContainEqual(['message-unheard', 'right'])
  expect(log.status).toBe('interrupted')
  expect(knownEvents(log.events)).toHaveLength(log.events.length)
})
