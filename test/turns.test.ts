/** Several who work in one session, with a real kernel: each is told of the others, and nobody is in anybody's way. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { claudeProvider } from '../src/harness/claude.ts'
import { runAgent } from '../src/harness/run-agent.ts'
import { openLink, type Link } from '../src/mcp/bridge/link.ts'
import { findTarget } from '../src/mcp/bridge/target.ts'
import { HOLD_TURN } from '../src/mcp/turn-tool.ts'
import { connected, textOf } from './fixtures/mcp-client.ts'
import { logOf } from './fixtures/run-folder.ts'
import { startOwnTried } from './fixtures/walled.ts'
import { loopbackMessages, type ScriptedAnswer } from './loopback-messages.ts'

let tried: Awaited<ReturnType<typeof startOwnTried>>
beforeEach(async () => void (tried = await startOwnTried()))
afterEach(() => tried[Symbol.asyncDispose]())

const NEWS = 'Others have worked in this notebook since your last call (`read_output` tells what a cell printed):'
const log = () => logOf(tried.run.folder)

test('each is told what the others ran, once', async () => {
  await using one = await connected(tried.session.mcpConfig, { name: 'one' })
  await using two = await connected(tried.session.mcpConfig, { era: 'modern', name: 'two' })
  await tried.session.exec('before = 1')
  expect(await one.says('execute_code', { code: 'x = 1' })).toBe('[c3] ok. It printed nothing.')
  expect(await two.says('execute_code', { code: 'print(x)' })).toBe('[c4] ok.\n1')
  expect(await one.says('execute_code', { code: 'print(2)' })).toBe(
    `${NEWS}\n- c4, by two (ok):\n    print(x)\n[c5] ok.\n2`,
  )
  await tried.session.exec('y = 3')
  await two.says('add_markdown', { text: '# Mine' })
  expect(await one.says('execute_code', { code: 'print(y)' })).toBe(
    `${NEWS}\n- c6, by the researcher (ok):\n    y = 3\n- c7, by two (a text):\n    # Mine\n[c8] ok.\n3`,
  )
  expect(await one.says('execute_code', { code: 'print(4)' })).toBe('[c9] ok.\n4')
  await two.says('restart_kernel')
  // Code that counts on variables of before does not run by surprise.
  expect(await one.says('execute_code', { code: 'print("y" in globals())' })).toMatch(
    /^Since your last call somebody else has started the kernel anew \(number 2\)\. .* nothing was run now\./,
  )
  expect(await one.says('execute_code', { code: 'print("y" in globals())' })).toBe(
    `${NEWS}\n- two started the kernel anew: all variables of before are lost.\n[c11] ok.\nFalse`,
  )
  const facts = await log()
  expect(facts.of('cell-start').map(({ by }) => by)).toEqual([
    'setup',
    'researcher',
    'agent:one',
    'agent:two',
    'agent:one',
    'researcher',
    'agent:one',
    'agent:one',
    'setup',
    'agent:one',
  ])
  // What an agent was told is in the log.
  expect(facts.of('tool-end').filter(({ content }) => JSON.stringify(content).includes(NEWS))).toHaveLength(5)
})

test('nobody’s cell is thrown away because another’s failed before it', async () => {
  await using one = await connected(tried.session.mcpConfig, { name: 'one' })
  await using two = await connected(tried.session.mcpConfig, { name: 'two' })
  const failing = one.says('execute_code', { code: 'import time\ntime.sleep(1.5)\n1 / 0' })
  await vi.waitFor(async () => expect((await log()).of('cell-start')).toHaveLength(2), 20_000)
  expect(await two.says('execute_code', { code: 'print("whole")' })).toContain('[c3] ok.\nwhole')
  expect(await failing).toContain('ZeroDivisionError')
})

test('nor one of the researcher’s, or because that one’s failed', async () => {
  await using one = await connected(tried.session.mcpConfig, { name: 'one' })
  const failing = 'import time\ntime.sleep(1.5)\n1 / 0'
  const running = (count: number) =>
    vi.waitFor(async () => expect((await log()).of('cell-start')).toHaveLength(count), 20_000)
  const ofOne = one.says('execute_code', { code: failing })
  await running(2)
  const whole = tried.session.exec('print("whole")')
  expect(await ofOne).toContain('ZeroDivisionError')
  expect(await whole).toMatchObject({ cell: 'c3', status: 'ok', text: 'whole' })
  const ofResearcher = tried.session.exec(failing)
  await running(4)
  expect(await one.says('execute_code', { code: 'print("whole")' })).toContain('[c5] ok.\nwhole')
  expect(await ofResearcher).toMatchObject({ cell: 'c4', status: 'error' })
})

test('who stops waiting for a cell of another leaves it alone; who interrupts it does so by name', async () => {
  await using one = await connected(tried.session.mcpConfig, { name: 'one' })
  await using two = await connected(tried.session.mcpConfig, { name: 'two' })
  await two.says('read_output', { cell: 'c1' })
  const long = one.call('execute_code', { code: 'import time\ntime.sleep(60)' })
  await vi.waitFor(async () => expect((await log()).of('cell-start')).toHaveLength(2), 20_000)
  const stop = new AbortController()
  const wait = two.call('wait_cell', { cell: 'c2' }, { signal: stop.signal })
  await sleep(300)
  stop.abort()
  await expect(wait).rejects.toThrow(/abort/i)
  await sleep(300)
  expect((await log()).of('cell-interrupt')).toEqual([])
  expect(await two.says('interrupt')).toContain('c2 was stopped.')
  expect(textOf(await long)).toContain('two interrupted your cell c2')
  expect((await log()).of('cell-interrupt')).toMatchObject([{ cell: 'c2', by: 'agent:two' }])
})

async function asPerson(): Promise<Link> {
  const target = findTarget({ role: 'person', run: tried.run.id })
  return openLink(target!, { name: 'test', version: '1' })
}

const call = (link: Link, name: string, input: object) =>
  link.client.request({ method: 'tools/call', params: { name, arguments: input } })

let calls = 0
const turn = (code: string): ScriptedAnswer => ({
  calls: [{ id: `toolu_${++calls}`, name: 'execute_code', input: { code } }],
})

/** The built-in agent, with a scripted model. */
async function builtIn(script: ScriptedAnswer[]) {
  const api = await loopbackMessages(script)
  const provider = claudeProvider({ model: 'claude-sonnet-5-5', apiKey: 'k', baseURL: api.url, env: {} })
  const { mcpConfig } = tried.session
  const agent = runAgent({
    prompt: 'P',
    mcpConfig,
    provider,
    run: tried.run,
    quiet: true,
    budgetUsd: 'none',
    role: 'own',
  })
  const done = (async () => {
    for (;;) {
      const { done: isDone, value } = await agent.next()
      if (isDone) return value
    }
  })()
  return { api, done, agent }
}

test.each(['gives it back', 'is gone'])(
  'the built-in agent waits at the edge of a step while a person has the floor, until that one %s',
  async (how) => {
    const person = await asPerson()
    const { api, done } = await builtIn([
      turn('import time\ntime.sleep(1.5)\nz = 5'),
      turn('print(z)'),
      { say: 'Done.' },
    ])
    await vi.waitFor(async () => expect((await log()).of('cell-start')).toHaveLength(2), 20_000)
    await call(person, HOLD_TURN, { hold: true })
    // In the middle of a step nothing is stopped; the next one does not begin.
    await vi.waitFor(async () => expect((await log()).of('tool-end')).toHaveLength(2), 20_000)
    const told = await call(person, 'execute_code', { code: 'z = 7' })
    expect(told.isError).toBeUndefined()
    await sleep(500)
    expect(api.requests).toHaveLength(1)
    if (how === 'is gone') await person.client.close()
    else await call(person, HOLD_TURN, { hold: false })
    expect(await done).toEqual({ reason: 'finished' })
    expect(api.requests).toHaveLength(3)
    // It is told with what its next call gives: what it was told of its own cell was out before.
    const last = JSON.stringify(api.requests[2]!.messages.at(-1))
    expect(last).toContain('by the researcher (ok)')
    expect(last).toContain('7')
    expect((await log()).of('cell-start').map(({ by }) => by)).toEqual([
      'setup',
      'agent:own',
      'researcher',
      'agent:own',
    ])
    await person[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  },
)

test('an agent that waits for the floor can be interrupted', async () => {
  await using person = await asPerson()
  await call(person, HOLD_TURN, { hold: true })
  const { api, done, agent } = await builtIn([{ say: 'Never asked.' }])
  await sleep(500)
  agent.interrupt()
  expect(await done).toEqual({ reason: 'interrupted' })
  expect(api.requests).toEqual([])
  await api[Symbol.asyncDispose]()
})

test('a client cannot pass for the built-in agent, nor for the researcher', async () => {
  const { api, done } = await builtIn([turn('print(1)'), { say: 'Done.' }])
  await done
  await api[Symbol.asyncDispose]()
  for (const [name, by] of [
    ['own', 'agent:own-outside'],
    ['researcher', 'agent:researcher'],
    ['system', 'agent:system'],
  ]) {
    await using one = await connected(tried.session.mcpConfig, { name: name! })
    await one.says('execute_code', { code: 'print(1)' })
    expect((await log()).of('cell-start').at(-1)?.by).toBe(by)
  }
})
