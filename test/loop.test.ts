/** The loop against a strict Messages API on loopback, through the real @ai-sdk/anthropic. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { SeerError } from '../src/errors.ts'
import type { AgentContext, AgentRequest } from '../src/harness/agent.ts'
import { claudeProvider } from '../src/harness/claude.ts'
import { DEFAULT_RETRY } from '../src/harness/retry.ts'
import type { EventInput, EventType, RunEvent } from '../src/run/events.ts'
import { defineTool, type ContentBlock } from '../src/tools/tool.ts'
import { loopbackMessages, type LoopbackMessages, type ScriptedAnswer } from './loopback-messages.ts'

const PNG = Uint8Array.from(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
)
const KEY = 'sk-ant-loopback-test-key'

const ran: string[] = []
const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.object({ a: z.number(), b: z.number() }),
  result: z.object({ sum: z.number() }),
  execute: ({ a, b }) => {
    ran.push(`add ${a} ${b}`)
    return Promise.resolve({ content: [{ type: 'text', text: String(a + b) }], structured: { sum: a + b } })
  },
})
const plot = defineTool({
  name: 'plot',
  description: 'Draws.',
  input: z.object({ fails: z.boolean().optional() }),
  result: z.object({}),
  execute: ({ fails }) => {
    ran.push('plot')
    const content: ContentBlock[] = [
      { type: 'text', text: 'a plot' },
      { type: 'image', mediaType: 'image/png', data: PNG },
    ]
    return Promise.resolve({ content, structured: {}, isError: fails ?? false })
  },
})
const stop = defineTool({
  name: 'stop',
  description: 'Takes nothing.',
  input: z.object({}),
  result: z.object({}),
  execute: () => {
    ran.push('stop')
    return Promise.resolve({ content: [], structured: {} })
  },
})
const wait = defineTool({
  name: 'wait',
  description: 'Waits until it is interrupted.',
  input: z.object({}),
  result: z.object({}),
  execute: async (_, { signal }) => {
    ran.push('wait')
    await sleep(60_000, undefined, { signal })
    return { content: [], structured: {} }
  },
})

const retry = { ...DEFAULT_RETRY, attempts: 4, baseDelayMs: 5 }
let server: LoopbackMessages
afterEach(async () => {
  ran.length = 0
  await server[Symbol.asyncDispose]()
  if (server.violations.length > 0) throw new Error(server.violations.join('\n'))
})

async function play(
  script: ScriptedAnswer[],
  options: { baseURL?: string; maxTurns?: number; signal?: AbortSignal; request?: Partial<AgentRequest> } = {},
) {
  server = await loopbackMessages(script)
  const events: EventInput[] = []
  const context: AgentContext = {
    emit: (event) => {
      events.push(event)
      return event as unknown as RunEvent
    },
    by: 'agent:investigator',
    signal: options.signal ?? new AbortController().signal,
    storeArtifact: () => 'a'.repeat(64),
    settle: () => Promise.resolve(),
  }
  const request: AgentRequest = {
    role: 'investigator',
    prompt: 'You are an investigator.',
    userMessage: 'Begin.',
    tools: [add, plot, stop, wait],
    maxTurns: options.maxTurns ?? 10,
    ...options.request,
  }
  const provider = claudeProvider({
    apiKey: KEY,
    baseURL: options.baseURL ?? server.url,
    retry,
    model: 'claude-sonnet-5-5',
    env: {},
  })
  return { events, done: provider.run(request, context), of: ofType(events) }
}

function ofType(events: EventInput[]) {
  return <T extends EventType>(type: T) =>
    events.filter((event): event is Extract<EventInput, { type: T }> => event.type === type)
}

function imagesOnTheWire(): number {
  return JSON.stringify(server.requests.at(-1)).split('"type":"image"').length - 1
}

describe('a conversation', () => {
  it('runs parallel calls in order, answers all of them, and ends when the model asks for nothing more', async () => {
    const { done, of } = await play([
      {
        think: { text: 'Both at once.', signature: 'sig-1' },
        say: 'I add and draw.',
        calls: [
          { id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } },
          { id: 'toolu_2', name: 'plot', input: {} },
          { id: 'toolu_3', name: 'add', input: { a: 3, b: 4 } },
        ],
        usage: { input: 7, output: 30, cacheRead: 100, cacheWrite: 20 },
      },
      { say: '  \n', calls: [{ id: 'toolu_4', name: 'plot', input: {} }] },
      { say: 'Done.' },
    ])
    expect(await done).toEqual({ reason: 'finished' })
    expect(ran).toEqual(['add 1 2', 'plot', 'add 3 4', 'plot'])
    expect(imagesOnTheWire()).toBe(2)
    expect(JSON.stringify(server.requests.at(-1))).toContain('"signature":"sig-1"')
    expect(of('agent-message').map(({ role, text, thinking }) => [role, text, thinking])).toEqual([
      ['user', 'Begin.', undefined],
      ['assistant', 'I add and draw.', 'Both at once.'],
      ['assistant', 'Done.', undefined],
    ])
    expect(of('agent-usage')[0]).toMatchObject({
      model: 'claude-as-named-by-the-api',
      inputTokens: 7,
      outputTokens: 30,
      cacheReadTokens: 100,
      cacheWriteTokens: 20,
    })
    expect(of('tool-end').map(({ call }) => call)).toEqual(['toolu_1', 'toolu_2', 'toolu_3', 'toolu_4'])
    expect(of('agent-start')).toMatchObject([
      { provider: 'claude', model: 'claude-sonnet-5-5', prompt: 'You are an investigator.' },
    ])
    expect(of('agent-end')).toMatchObject([{ reason: 'finished' }])
  })

  it('sends the prompt, the tools and nothing besides', async () => {
    const { done } = await play([{ calls: [{ id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }] }, { say: 'Done.' }])
    await done
    expect(server.requests[1]).toEqual({
      model: 'claude-sonnet-5-5',
      max_tokens: 32_000,
      stream: true,
      system: [{ type: 'text', text: 'You are an investigator.', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Begin.' }] },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }] },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [{ type: 'text', text: '3' }],
              cache_control: { type: 'ephemeral' },
            },
          ],
        },
      ],
      tools: expect.arrayContaining([
        {
          name: 'add',
          description: 'Adds two numbers.',
          input_schema: {
            type: 'object',
            properties: { a: { type: 'number' }, b: { type: 'number' } },
            required: ['a', 'b'],
            additionalProperties: false,
          },
        },
      ]),
    })
  })

  it('keeps the picture of a failed call, and that it failed', async () => {
    const { done } = await play([
      { calls: [{ id: 'toolu_1', name: 'plot', input: { fails: true } }] },
      { say: 'Done.' },
    ])
    await done
    expect(imagesOnTheWire()).toBe(1)
    expect(server.requests[1]?.messages.at(-1)?.content[0]).toMatchObject({ is_error: true, content: 'a plot' })
  })

  it('answers what it cannot run, and goes on', async () => {
    const { done, of } = await play([
      {
        calls: [
          { id: 'toolu_1', name: 'add', json: '{"a": 1, "b": ' },
          { id: 'toolu_2', name: 'ad', input: { a: 1, b: 2 } },
          { id: 'toolu_3', name: 'add', input: { a: 1, b: 2, c: 3 } },
        ],
      },
      { say: 'Sorry.' },
    ])
    expect(await done).toEqual({ reason: 'finished' })
    expect(ran).toEqual([])
    expect(of('tool-end').map(({ isError, structured }) => [isError, structured])).toEqual([
      [true, { error: 'broken-call' }],
      [true, { error: 'unknown-tool' }],
      [true, { error: 'invalid-input' }],
    ])
  })

  it('does not run the call at which the token limit fell, also where its input still parses', async () => {
    const { done } = await play([
      {
        stop: 'max_tokens',
        calls: [
          { id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } },
          { id: 'toolu_2', name: 'stop', json: '' },
        ],
      },
      { stop: 'max_tokens', say: 'I was about to' },
    ])
    expect(await done).toMatchObject({ reason: 'limit', detail: expect.stringContaining('max_tokens') })
    expect(ran).toEqual(['add 1 2'])
    expect(JSON.stringify(server.requests[1])).toContain('reached its token limit')
  })

  it('stops at the limit of turns, after the last one’s calls', async () => {
    const call = (n: number) => ({ calls: [{ id: `toolu_${n}`, name: 'add', input: { a: n, b: n } }] })
    const { done } = await play([call(1), call(2)], { maxTurns: 2 })
    expect(await done).toEqual({ reason: 'limit', detail: '2 turns' })
    expect(ran).toEqual(['add 1 1', 'add 2 2'])
  })

  it('does not take a refusal for an answer', async () => {
    const { done } = await play([{ say: 'I cannot', stop: 'refusal' }])
    expect(await done).toEqual({ reason: 'finished', detail: 'the model refused (refusal)' })
  })
})

describe('trouble that passes', () => {
  const ok: ScriptedAnswer = { say: 'Done.' }
  const first: ScriptedAnswer = { calls: [{ id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }] }
  const partial = { say: 'Half a', calls: [{ id: 'toolu_x', name: 'stop', input: {} }] }
  it.each<[string, ScriptedAnswer[], RegExp]>([
    ['529 twice', [{ status: 529 }, { status: 529 }], /overloaded \(529\)/],
    ['429 with retry-after', [{ status: 429, headers: { 'retry-after': '1' } }], /rate limit \(429\)/],
    ['500', [{ status: 500 }], /server error \(500\)/],
    ['overload as the first event', [{ breaks: 'overloaded' }], /overloaded \(529\)/],
    ['overload in the stream', [{ ...partial, breaks: 'overloaded' }], /overloaded \(529\)/],
    ['a stream cut in the middle', [{ ...partial, breaks: 'cut' }], /broke off/],
    ['a stream cut before the first word', [{ breaks: 'cut' }], /broke off/],
    ['a connection reset in the middle', [{ ...partial, breaks: 'reset' }], /broke off/],
  ])('%s', async (_, troubles, reason) => {
    const { done, of } = await play([first, ...troubles, ok])
    expect(await done).toEqual({ reason: 'finished' })
    expect(ran).toEqual(['add 1 2'])
    const retries = of('agent-retry')
    expect(retries.map(({ attempt }) => attempt)).toEqual(troubles.map((__, i) => i + 1))
    for (const event of retries) expect(event.reason).toMatch(reason)
    expect(retries[0]?.delayMs).toBe(troubles[0]?.headers ? 1_000 : 5)
    expect(of('agent-message').map(({ text }) => text)).toEqual(['Begin.', 'Done.'])
  })

  it('gives up after so many attempts, and says so', async () => {
    const { done, of } = await play(Array.from({ length: 4 }, () => ({ status: 529 })))
    await expect(done).rejects.toMatchObject({ code: 'provider-overloaded', hint: expect.any(String) })
    expect(server.requests).toHaveLength(4)
    expect(of('agent-end')).toMatchObject([{ reason: 'failed', detail: expect.stringContaining('529') }])
  })
})

describe('trouble that stays', () => {
  it.each<[string, ScriptedAnswer]>([
    ['provider-key-rejected', { status: 401, error: { type: 'authentication_error', message: 'invalid x-api-key' } }],
    ['provider-model-unknown', { status: 404, error: { type: 'not_found_error', message: 'model: claude-nova' } }],
    [
      'provider-no-credit',
      { status: 400, error: { type: 'invalid_request_error', message: 'Your credit balance is too low' } },
    ],
    ['provider-no-credit', { status: 403, error: { type: 'billing_error', message: 'billing problem' } }],
    ['provider-refused', { status: 403, error: { type: 'permission_error', message: 'not allowed' } }],
  ])('%s', async (code, answer) => {
    const { done } = await play([answer])
    const error = await done.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SeerError)
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/\w/) })
    expect((error as Error).message).not.toContain(KEY)
    expect(server.requests).toHaveLength(1)
  })

  it('says that a host cannot be reached, at once', async () => {
    const { done } = await play([], { baseURL: 'http://127.0.0.1:1' })
    await expect(done).rejects.toMatchObject({
      code: 'provider-unreachable',
      message: expect.stringContaining('127.0.0.1:1'),
    })
  })

  it('does not go on when the model would not be sent everything', async () => {
    const odd = defineTool({
      ...stop,
      name: 'odd',
      execute: () =>
        Promise.resolve({ content: [{ type: 'image', mediaType: 'audio/wav', data: PNG }], structured: {} }),
    })
    const { done } = await play([{ calls: [{ id: 'toolu_1', name: 'odd' }] }, { say: 'Done.' }], {
      request: { tools: [odd] },
    })
    await expect(done).rejects.toMatchObject({ code: 'provider-dropped-content' })
    // The provider says so only once the request is out; what is answered to it is not used.
    expect(server.requests).toHaveLength(2)
    expect(imagesOnTheWire()).toBe(0)
  })
})

describe('an interrupt', () => {
  it('in mid-stream keeps what was said and answers the calls that had come, without running them', async () => {
    const abort = new AbortController()
    const { done, of } = await play([{ say: 'I start', calls: [{ id: 'toolu_1', name: 'stop' }], breaks: 'hang' }], {
      signal: abort.signal,
    })
    await server.asked(1)
    await sleep(100)
    abort.abort()
    expect(await done).toEqual({ reason: 'interrupted' })
    expect(of('agent-message').at(-1)?.text).toBe('I start')
    expect(ran).toEqual([])
    expect(of('tool-end')).toMatchObject([{ call: 'toolu_1', structured: { error: 'interrupted' } }])
    expect(of('agent-end')).toMatchObject([{ reason: 'interrupted' }])
  })

  it('in mid-tool answers the running call and those behind it', async () => {
    const abort = new AbortController()
    const calls = [
      { id: 'toolu_1', name: 'wait' },
      { id: 'toolu_2', name: 'add', input: { a: 1, b: 1 } },
    ]
    const { done, of } = await play([{ calls }], { signal: abort.signal })
    await vi.waitFor(() => expect(ran).toEqual(['wait']))
    abort.abort()
    expect(await done).toEqual({ reason: 'interrupted' })
    expect(ran).toEqual(['wait'])
    expect(of('tool-end').map(({ call, structured }) => [call, structured])).toEqual([
      ['toolu_1', { error: 'interrupted' }],
      ['toolu_2', { error: 'interrupted' }],
    ])
    expect(server.requests).toHaveLength(1)
  })

  it('while waiting to ask again ends at once', async () => {
    const abort = new AbortController()
    const { done, of } = await play([{ status: 429, headers: { 'retry-after': '500' } }], { signal: abort.signal })
    await vi.waitFor(() => expect(of('agent-retry')).toHaveLength(1))
    abort.abort()
    expect(await done).toEqual({ reason: 'interrupted' })
  })
})
