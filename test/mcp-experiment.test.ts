/** An agent from outside as the agent of an experiment: `seer mcp --experiment`, and `seer run --provider outside`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bridgeIn, type Bridge } from './fixtures/mcp-bridge.ts'
import { newPlace, plainExperiment, type Place } from './fixtures/place.ts'
import { logOf, type LogFacts } from './fixtures/run-folder.ts'

let place: Place
beforeEach(() => void (place = newPlace('seer mcp-')))
afterEach(() => place[Symbol.asyncDispose]())

const EXPERIMENT = ['--experiment', plainExperiment, '--set', 'word=sea']
const FINDING = { claim: 'A sea is a lamp.', confidence: 0.5, cells: ['c3'] }
const bridge = (args: readonly string[], name = 'Outside Agent', env = {}) => bridgeIn(place, args, { name, env })

async function onlyRun(status?: string): Promise<LogFacts & { folder: string }> {
  return vi.waitFor(async () => {
    const [folder, ...more] = place.runs()
    expect(more).toEqual([])
    const log = await logOf(folder!)
    if (status !== undefined && log.status !== status) throw new Error(`the run is ${log.status}`)
    return { ...log, folder: folder! }
  }, 30_000)
}

const nothingLeft = () => vi.waitFor(() => expect(place.processes()).toEqual([]), 30_000)

async function work(one: Bridge): Promise<void> {
  expect(await one.tools()).toEqual(expect.arrayContaining(['execute_code', 'submit_finding']))
  expect(await one.says('execute_code', { code: 'import lamps\nprint(PARAMS["word"], set_up)' })).toBe(
    '[c3] ok.\nsea the set-up ran',
  )
}

describe('seer mcp --experiment', () => {
  test('the task, the tools, the finding; and the run ends when the agent leaves', async () => {
    const one = await bridge(EXPERIMENT)
    const task = 'Say what a sea is, 2 times.'
    expect(one.client.getInstructions()).toContain(task)
    expect(one.client.getInstructions()).toMatch(/^You are the agent of an experiment/)
    const read = await one.client.readResource({ uri: 'seer://task.md' })
    expect((read.contents[0] as { text: string }).text).toContain(task)
    expect((await one.client.listPrompts()).prompts).toMatchObject([{ name: 'task' }])
    const prompt = await one.client.getPrompt({ name: 'task' })
    expect(prompt.messages).toMatchObject([{ role: 'user', content: { text: expect.stringContaining(task) } }])
    await work(one)
    expect(await one.says('submit_finding', FINDING)).toContain('It is final')
    await one.client.close()

    const log = await onlyRun('completed')
    expect(log.of('run-start')).toMatchObject([{ provider: 'outside', params: { word: 'sea' } }])
    expect(log.of('run-start')[0]).not.toHaveProperty('budgetUsd')
    expect(log.of('agent-start')).toMatchObject([
      { by: 'agent:agent', provider: 'outside', model: 'Outside Agent 1', prompt: expect.stringContaining(task) },
    ])
    expect(log.of('cell-start').at(-1)?.by).toBe('agent:agent')
    expect(log.of('finding-submit')).toMatchObject([{ by: 'agent:agent', finding: FINDING }])
    expect(log.of('agent-end')).toMatchObject([{ reason: 'finished' }])
    expect(log.of('agent-end')[0]).not.toHaveProperty('detail')
    const types = log.events.map(({ type }) => type)
    expect(types.indexOf('agent-start')).toBeLessThan(types.indexOf('tool-start'))
    await nothingLeft()
    await vi.waitFor(() => expect(readFileSync(join(log.folder, 'report.html'), 'utf8')).toContain('A sea is a lamp.'))
  })

  test('without a finding, and killed: the run ends by itself all the same', async () => {
    const one = await bridge(EXPERIMENT)
    await work(one)
    const call = one.call('execute_code', { code: 'import time\nwhile True: time.sleep(0.1)' })
    call.catch(() => undefined)
    await vi.waitFor(async () => expect((await onlyRun()).of('cell-start')).toHaveLength(4))
    process.kill(one.pid, 'SIGKILL')
    const log = await onlyRun('completed')
    expect(log.of('agent-end')).toMatchObject([{ reason: 'finished', detail: 'it left without a finding' }])
    expect(log.of('cell-end').at(-1)?.status).toBe('error')
    await nothingLeft()
  })

  test.each(['politely', 'killed'])('a client that leaves before there is anything: %s', async (how) => {
    // It leaves in the first moment in which there is a run.
    const connecting = bridge(EXPERIMENT)
    connecting.catch(() => undefined)
    await vi.waitFor(() => expect(place.runs()).toHaveLength(1), 30_000)
    const [folder] = place.runs()
    await vi.waitFor(async () => expect((await logOf(folder!)).of('sandbox-start')).toHaveLength(1), 30_000)
    const client = place.processes().find(({ command }) => command.includes(' mcp '))!
    process.kill(client.pid, how === 'killed' ? 'SIGKILL' : 'SIGTERM')
    const log = await onlyRun('failed')
    expect(log.of('run-end')).toMatchObject([{ error: { code: 'agent-absent' } }])
    await nothingLeft()
  })

  test('what is wrong with it is said to the agent', async () => {
    await using one = await bridge(['--experiment', plainExperiment, '--set', 'wrod=sea'])
    expect(await one.says('execute_code', { code: '1' })).toMatch(/wrod[^]*word/)
    expect(await one.tools()).toEqual(['status'])
    expect(place.runs()).toEqual([])
  })

  test('a run that is stopped meanwhile is said to have ended', async () => {
    await using one = await bridge(EXPERIMENT)
    await work(one)
    const { folder } = await onlyRun()
    await place.seer(['stop', '--output-dir', place.outputs]).ended
    const result = await one.call('execute_code', { code: '1' })
    expect(result.isError).toBe(true)
    expect(JSON.stringify(result.content)).toMatch(/has ended \(interrupted\)/)
    expect((await logOf(folder)).of('agent-end')).toMatchObject([{ reason: 'interrupted' }])
  })

  test.each([
    [['some-run', '--experiment', plainExperiment], /cannot be told which one to join/],
    [['--experiment', plainExperiment, '--as', 'observer'], /cannot be told/],
    [['--set', 'a=1'], /none is/],
    [['--as', 'king'], /Allowed choices/],
  ])('%j is refused', async (args, why) => {
    const { code, stdout, stderr } = await place.seer(['mcp', ...args]).ended
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(why)
  })
})

describe('seer run --provider outside', () => {
  test('waits for one, says how, and passes on what a person says', async () => {
    const started = place.seer(['run', plainExperiment, '--provider', 'outside', '--output-dir', place.outputs])
    await vi.waitFor(() => expect(started.output.stderr).toContain('waiting for an agent'), 60_000)
    const [run] = /`seer mcp (\S+)`/.exec(started.output.stderr)?.slice(1) ?? []
    const one = await bridge([run!], 'walker')
    await answers(one)
    const second = await bridge([run!], 'too-late')
    // The place is taken; what can be joined is the session.
    await second.call('execute_code', { code: 'print("a guest")' })
    const folder = place.runs()[0]!
    const control = await import('../src/run/control.ts')
    vi.stubEnv('XDG_RUNTIME_DIR', join(place.root, 'r'))
    using page = await control.connectControl(folder, { from: 'page' })
    await page.message('Look at the sea.')
    const told = await one.call('execute_code', { code: 'print(2)' })
    expect(JSON.stringify(told.content)).toContain('The researcher says to you: Look at the sea.')
    expect((told.structuredContent as { text: string }).text).toContain('Look at the sea.')
    expect(JSON.stringify((await one.call('execute_code', { code: 'print(3)' })).content)).not.toContain('the sea')
    await second.client.close()
    await one.client.close()
    const { code } = await started.ended
    expect(code).toBe(0)
    const log = await logOf(folder)
    expect(log.of('agent-message').map(({ by, text }) => [by, text])).toEqual([
      ['system', 'Begin.'],
      ['researcher', 'Look at the sea.'],
    ])
    expect(
      log
        .of('cell-start')
        .slice(2)
        .map(({ by }) => by),
    ).toEqual(['agent:agent', 'agent:too-late', 'agent:agent', 'agent:agent'])
  })

  test('nobody comes, and it is stopped', async () => {
    const started = place.seer(['run', plainExperiment, '--provider', 'outside', '--output-dir', place.outputs])
    await vi.waitFor(() => expect(started.output.stderr).toContain('waiting for an agent'), 60_000)
    await place.seer(['stop', '--output-dir', place.outputs]).ended
    expect((await started.ended).code).toBe(130)
    expect((await logOf(place.runs()[0]!)).status).toBe('interrupted')
  })

  test.each([
    [['--agent-model', 'x'], /its own model/],
    [['--record'], /cannot be recorded/],
  ])('%j is refused', async (args, why) => {
    const { code, stderr } = await place.seer(['run', plainExperiment, '--provider', 'outside', ...args]).ended
    expect(code).toBe(2)
    expect(stderr).toMatch(why)
  })
})

async function answers(one: Bridge): Promise<void> {
  expect(await one.says('execute_code', { code: 'print(1)' })).toBe('[c3] ok.\n1')
}
