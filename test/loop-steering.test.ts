/** runAgent against the loopback API, in a run of its own: what a researcher can do while the agent works, and what limits it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { AgentEnd } from '../src/harness/agent.ts'
import { claudeProvider } from '../src/harness/claude.ts'
import { withProvider } from '../src/harness/current-provider.ts'
import type { Purse } from '../src/harness/limits.ts'
import { runAgent, type AgentRun, type RunAgentOptions } from '../src/harness/run-agent.ts'
import { publish } from '../src/mcp/local.ts'
import type { EventType, RunEvent } from '../src/run/events.ts'
import { Run } from '../src/run/run.ts'
import { defineTool, type Tool } from '../src/tools/tool.ts'
import { loopbackMessages, type LoopbackMessages, type ScriptedAnswer } from './loopback-messages.ts'

const echo = defineTool({
  name: 'echo',
  description: 'Says it again.',
  input: z.object({ text: z.string() }),
  result: z.object({}),
  execute: ({ text }) => Promise.resolve({ content: [{ type: 'text', text }], structured: {} }),
})
const hang = defineTool({
  name: 'hang',
  description: 'Never ends, and does not listen.',
  input: z.object({}),
  result: z.object({}),
  execute: async (_, { signal }) => {
    await sleep(60_000, undefined, { signal })
    return { content: [], structured: {} }
  },
})
let wide = 0
const huge = defineTool({
  name: 'huge',
  description: 'Returns 50 MB.',
  input: z.object({}),
  result: z.object({}),
  execute: () =>
    Promise.resolve({ content: [{ type: 'text', text: 'x'.repeat((wide = 50_000_000)) }], structured: {} }),
})

let folder: string
let run: Run
let api: LoopbackMessages
let withdraw: () => void
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'seer-steer-'))
  run = Run.create(join(folder, 'run'), {
    seer: '0',
    experiment: 'e',
    profile: null,
    params: {},
    backend: 'none',
    confinement: 'none',
    provider: 'claude',
    seed: 0,
  })
})
afterEach(async () => {
  withdraw()
  await run.end('completed')
  await api[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
  if (api.violations.length > 0) throw new Error(api.violations.join('\n'))
})

async function start(
  script: ScriptedAnswer[],
  options: Partial<RunAgentOptions> & { tools?: Tool[]; model?: string } = {},
): Promise<AgentRun> {
  api = await loopbackMessages(script)
  const { tools = [echo, hang, huge], model = 'claude-sonnet-5-5', ...given } = options
  const published = await publish('tools', { run, tools, settle: () => Promise.resolve() })
  withdraw = published.withdraw
  const provider = claudeProvider({ model, apiKey: 'a-key-of-the-test', baseURL: api.url, env: {} })
  const { config: mcpConfig } = published
  return runAgent({ prompt: 'P', mcpConfig, provider, run, quiet: true, budgetUsd: 'none', ...given })
}

interface Told {
  end: AgentEnd
  of: <T extends EventType>(type: T) => Extract<RunEvent, { type: T }>[]
}

async function finish(agent: AgentRun, onEvent: (event: RunEvent) => void = () => undefined): Promise<Told> {
  const events: RunEvent[] = []
  for (;;) {
    const { done, value } = await agent.next()
    if (done) return { end: value, of: (type) => events.filter((event) => event.type === type) as never }
    events.push(value)
    onEvent(value)
  }
}

let calls = 0
const say = (text: string): ScriptedAnswer => ({ calls: [{ id: `toolu_${++calls}`, name: 'echo', input: { text } }] })
const textsOf = (request: LoopbackMessages['requests'][number] | undefined) =>
  request!.messages.flatMap(({ role, content }) =>
    content.flatMap((part) => (role === 'user' && part.type === 'text' ? [part.text] : [])),
  )

describe('send', () => {
  it('is told before the model is asked the next time, and stands in the log as the researcher’s', async () => {
    const agent = await start([say('a'), { say: 'Done.' }])
    const { end, of } = await finish(agent, (event) => {
      if (event.type === 'tool-start') agent.send('Be quick.')
    })
    expect(end).toEqual({ reason: 'finished' })
    expect(textsOf(api.requests[0])).toEqual(['Begin.'])
    expect(textsOf(api.requests[1])).toEqual(['Begin.', 'Be quick.'])
    expect(of('agent-message').filter(({ by }) => by === 'researcher')).toMatchObject([
      { role: 'user', text: 'Be quick.', agent: 'agent' },
    ])
  })

  it('continues an agent that had finished, also from a slow reader', async () => {
    const agent = await start([{ say: 'First.' }, { say: 'Second.' }, { say: 'Third.' }])
    const answers = ['And then?', 'And then?']
    const said: string[] = []
    for await (const event of agent) {
      await sleep(20)
      if (event.type !== 'agent-message' || event.role !== 'assistant') continue
      said.push(event.text)
      const answer = answers.shift()
      if (answer) agent.send(answer)
    }
    expect(said).toEqual(['First.', 'Second.', 'Third.'])
    expect(textsOf(api.requests[2])).toEqual(['Begin.', 'And then?', 'And then?'])
  })

  it('before the start comes with the first words', async () => {
    const agent = await start([{ say: 'Done.' }])
    agent.send('Early.')
    await finish(agent)
    expect(textsOf(api.requests[0])).toEqual(['Begin.', 'Early.'])
  })

  it('says when nobody will hear it', async () => {
    const agent = await start([{ calls: [{ id: 'toolu_h', name: 'hang' }] }])
    const { of } = await finish(agent, (event) => {
      if (event.type !== 'tool-start') return
      agent.send('Too late.')
      agent.interrupt()
    })
    expect(of('notice-add')).toMatchObject([{ code: 'message-unheard', text: expect.stringContaining('Too late.') }])
    expect(() => agent.send('Later still.')).toThrow(expect.objectContaining({ code: 'agent-ended' }) as Error)
    expect(() => agent.send(' ')).toThrow(expect.objectContaining({ code: 'invalid-options' }) as Error)
  })
})

describe('interrupt', () => {
  it('in mid-call: every call gets a result, then the agent ends', async () => {
    const agent = await start([
      {
        calls: [
          { id: 'toolu_h1', name: 'hang' },
          { id: 'toolu_h2', name: 'echo', input: { text: 'never' } },
        ],
      },
    ])
    const { end, of } = await finish(agent, (event) => {
      if (event.type === 'tool-start' && event.call === 'toolu_h1') agent.interrupt()
    })
    expect(end).toEqual({ reason: 'interrupted' })
    expect(of('tool-end').map(({ call, structured }) => [call, structured])).toEqual([
      ['toolu_h1', { error: 'interrupted' }],
      ['toolu_h2', { error: 'interrupted' }],
    ])
    expect(of('agent-end')).toMatchObject([{ reason: 'interrupted' }])
    expect(api.requests).toHaveLength(1)
  })

  it('in mid-stream, and before the first request', async () => {
    const streaming = await start([{ say: 'I start', breaks: 'hang' }])
    setTimeout(() => streaming.interrupt(), 200)
    expect((await finish(streaming)).end).toEqual({ reason: 'interrupted' })
    expect(api.requests).toHaveLength(1)
    streaming.interrupt()

    await api[Symbol.asyncDispose]()
    const early = await start([{ say: 'never' }])
    early.interrupt()
    expect((await finish(early)).end).toEqual({ reason: 'interrupted' })
    expect(api.requests).toHaveLength(0)
  })

  it('from outside reaches the agents that work, and only them', async () => {
    const { steering } = run
    expect(steering.interrupt('terminal')).toBe(false)
    expect(steering.interrupted).toBe(false)
    const agent = await start([{ calls: [{ id: 'toolu_h', name: 'hang' }] }])
    const done: boolean[] = []
    const { end, of } = await finish(agent, (event) => {
      if (event.type === 'tool-start') done.push(steering.interrupt('terminal'), steering.interrupt('terminal'))
    })
    expect(done).toEqual([true, true])
    expect(end).toEqual({ reason: 'interrupted' })
    expect(of('run-steer')).toMatchObject([{ by: 'researcher', action: 'interrupt', from: 'terminal' }])
    expect(steering.interrupted).toBe(true)
    expect(steering.interrupt('terminal')).toBe(false)
  })
})

describe('limits', () => {
  const usage = (output: number, rest = {}) => ({ usage: { input: 1_000, output, ...rest } })

  it('of output tokens in all: no answer may be longer than what is left', async () => {
    const agent = await start(
      [
        { ...say('a'), ...usage(600) },
        { ...say('b'), ...usage(400) },
      ],
      { maxTokens: 1_000 },
    )
    expect((await finish(agent)).end).toEqual({ reason: 'limit', detail: '1000 output tokens' })
    expect(api.requests.map(({ max_tokens }) => max_tokens)).toEqual([1_000, 400])
  })

  it('of money: usage has its cost, and the run ends before an answer that could exceed it', async () => {
    const script = [1, 2, 3, 4].map((n) => ({ ...say(String(n)), ...usage(10_000, { cacheRead: 100_000 }) }))
    const agent = await start(script, { budgetUsd: 0.5 })
    const { end, of } = await finish(agent)
    // 1,000 × 2 + 100,000 × 0.10 + 10,000 × 10 USD a million; in the worst case all of the prompt is written to the cache anew.
    expect(of('agent-usage').map(({ costUsd }) => costUsd)).toEqual([0.112, 0.112])
    expect(end).toEqual({
      reason: 'limit',
      detail: expect.stringMatching(/budget of agent of 0\.50 USD: 0\.22 USD are spent/),
    })
    const [first, second] = api.requests.map(({ max_tokens }) => max_tokens)
    expect(first).toBe(32_000)
    // 0.5 − 0.112 − (111,000 and a little) × 2.5 a million, at 10 a million.
    expect(second).toBeGreaterThan(10_000)
    expect(second).toBeLessThan(11_050)
    expect(of('agent-start')).toMatchObject([{ pricesOf: expect.stringMatching(/^20\d\d-/) }])
  })

  it('of money for a run: its agents share it, and another one’s own budget cannot raise it', async () => {
    const budget: Purse = { name: 'the budget of this run', limitUsd: 0.045, spentUsd: 0.03 }
    const agent = await start([{ ...usage(500), say: 'Short.' }], { budgetUsd: 100 })
    const choice = { provide: () => Promise.reject(new Error('not asked')), budget, quiet: true }
    const first = await withProvider(choice, () => finish(agent))
    expect(first.end).toEqual({ reason: 'finished' })
    expect(api.requests[0]!.max_tokens).toBeLessThan(1_500)
    expect(budget.spentUsd).toBeCloseTo(0.03 + 0.007)
    await api[Symbol.asyncDispose]()
    const next = await start([{ say: 'never' }], { budgetUsd: 'none' })
    const second = await withProvider(choice, () => finish(next))
    expect(second.end).toMatchObject({ reason: 'limit', detail: expect.stringContaining('the budget of this run') })
    expect(api.requests).toHaveLength(0)
  })

  it('an answer that broke off counts as the worst that it can have cost', async () => {
    const agent = await start([{ say: 'Half', breaks: 'cut' }], { budgetUsd: 0.33 })
    const { end, of } = await finish(agent)
    expect(of('agent-retry')).toHaveLength(1)
    expect(end).toMatchObject({ reason: 'limit', detail: expect.stringContaining('0.3') })
    expect(api.requests).toHaveLength(1)
  })

  it('a model without a price needs --budget none', async () => {
    const agent = await start([], { model: 'claude-nova-9', budgetUsd: 1 })
    await expect(finish(agent)).rejects.toMatchObject({ code: 'price-unknown', hint: expect.stringContaining('none') })
    await api[Symbol.asyncDispose]()
    const free = await start([{ say: 'Done.' }], { model: 'claude-nova-9' })
    const { of } = await finish(free)
    expect(of('agent-usage')[0]).not.toHaveProperty('costUsd')
  })

  it('of patience: the same call again is warned of, then stopped; waiting for what runs is neither', async () => {
    const agent = await start(Array.from({ length: 10 }, () => say('again')))
    const { end, of } = await finish(agent)
    expect(end).toEqual({ reason: 'limit', detail: 'echo was called 10 times with the same result' })
    expect(of('tool-end')).toHaveLength(10)
    const warnings = of('agent-message').filter(({ by }) => by === 'system')
    expect(warnings.map(({ text }) => text)).toEqual(['Begin.', expect.stringMatching(/echo 5 times in a row/)])
    expect(textsOf(api.requests[5])).toHaveLength(2)
  })
})

describe('an odd agent', () => {
  it('without tools is warned about', async () => {
    const agent = await start([{ say: 'I can only talk.' }], { tools: [] })
    const { of } = await finish(agent)
    expect(of('notice-add')).toMatchObject([{ level: 'warning', code: 'agent-without-tools' }])
  })

  it('whose tool returns 50 MB is told of it in short', async () => {
    const agent = await start([{ calls: [{ id: 'toolu_w', name: 'huge' }] }, { say: 'Done.' }])
    const { end } = await finish(agent)
    expect(wide).toBe(50_000_000)
    expect(end).toEqual({ reason: 'finished' })
    const sent = JSON.stringify(api.requests[1])
    expect(sent.length).toBeLessThan(300_000)
    expect(sent).toContain('characters left out')
  })
})
