import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { EventInput, RunEvent } from '../run/events.ts'
import { defineTool, toolsVersion } from '../tools/tool.ts'
import type { AgentContext, AgentRequest } from './agent.ts'
import { trajectoryFromEvents } from './record.ts'
import { recordedProvider } from './recorded.ts'
import { sha256Of, type MadeFor, type Trajectory } from './trajectory.ts'

const steps: string[] = []
afterEach(() => void (steps.length = 0))
const add = defineTool({
  name: 'add',
  description: 'Adds.',
  input: z.object({ a: z.number(), b: z.number() }),
  result: z.object({ sum: z.number() }),
  execute: async ({ a, b }, { signal }) => {
    steps.push(`add ${a} ${b}`)
    if (a < 0) await sleep(60_000, undefined, { signal })
    return { content: [{ type: 'text', text: String(a + b) }], structured: { sum: a + b } }
  },
})
const request: AgentRequest = {
  role: 'investigator',
  prompt: 'Add.',
  userMessage: 'Begin.',
  tools: [add],
  maxTurns: 10,
}
const madeFor: MadeFor = {
  params: { n: 1 },
  promptSha256: sha256Of('Add.'),
  prompt: 'Add.',
  userMessage: 'Begin.',
  libraries: [],
  models: [],
  toolsVersion: toolsVersion([add]),
}
const answeredBy = { provider: 'claude', model: 'claude-x', at: '2026-11-23T05:00:00.000Z', knewTruth: false }
const call = (id: string, a: number, b: number) => ({ id, name: 'add', input: { a, b } })
const result = (id: string, sum: number) => ({ call: id, isError: false, structured: { sum } })
const trajectory: Trajectory = {
  format: 1,
  experiment: 'adding',
  profile: null,
  madeFor,
  answeredBy,
  compute: { python: '3.11', torch: null, isa: 'AVX2', threads: 1, device: 'cpu' },
  turns: [
    { text: 'Two at once.', calls: [call('t1', 1, 2), call('t2', 3, 4)], results: [result('t1', 3), result('t2', 7)] },
    { text: '', calls: [call('t3', 5, 6)], results: [result('t3', 11)] },
    { text: 'Done.', calls: [], results: [] },
  ],
  cells: {},
  end: { reason: 'finished' },
}

function context(signal = new AbortController().signal) {
  const events: EventInput[] = []
  const emit = (event: EventInput) => (events.push(event), event as unknown as RunEvent)
  const settle = () => Promise.resolve(void steps.push('settle'))
  const value: AgentContext = { emit, by: 'agent:investigator', signal, storeArtifact: () => '', settle }
  return { events, value }
}

describe('recordedProvider', () => {
  it('plays every call for real, in order, each after the cells have settled', async () => {
    const { events, value } = context()
    expect(await recordedProvider(trajectory, madeFor).run(request, value)).toEqual({ reason: 'finished' })
    expect(steps).toEqual(['settle', 'add 1 2', 'settle', 'add 3 4', 'settle', 'add 5 6'])
    expect(events.map((event) => (event.type === 'tool-end' ? `tool-end ${event.call}` : event.type))).toEqual([
      'agent-start',
      'agent-message',
      'agent-message',
      'tool-start',
      'tool-end t1',
      'tool-start',
      'tool-end t2',
      'tool-start',
      'tool-end t3',
      'agent-message',
      'agent-end',
    ])
    expect(events[0]).toMatchObject({ provider: 'recorded', model: 'claude-x', recorded: answeredBy })
  })

  it('makes the same recording when it is recorded again, all but what it cannot know', async () => {
    const { events, value } = context()
    await recordedProvider(trajectory, madeFor).run(request, value)
    const frame = [
      { type: 'run-start', by: 'system', experiment: 'adding', profile: null },
      { type: 'compute-report', by: 'system', ...trajectory.compute },
    ]
    const again = trajectoryFromEvents([...frame, ...events] as RunEvent[], { madeFor, answeredBy })
    expect(again.turns.flatMap(({ calls }) => calls)).toEqual(trajectory.turns.flatMap(({ calls }) => calls))
    expect(again.turns.flatMap(({ results }) => results)).toEqual(trajectory.turns.flatMap(({ results }) => results))
    expect({ ...again, turns: trajectory.turns }).toEqual(trajectory)
  })

  it.each<[string, Partial<MadeFor>, RegExp]>([
    ['params', { params: { n: 2 } }, /param n: 1 → 2/],
    ['subject', { models: [{ name: 'm', weightsSha256: 'x' }] }, /subject model m/],
  ])('refuses other %s before anything starts', (_, change, message) => {
    const provider = recordedProvider(trajectory, { ...madeFor, ...change })
    const stale = expect.objectContaining({
      code: 'recording-stale',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('--provider claude'),
    })
    expect(() => provider.check()).toThrow(stale)
    const { events, value } = context()
    expect(() => provider.run(request, value)).toThrow(stale)
    expect(events).toEqual([])
  })

  it.each<[string, Partial<AgentRequest>, RegExp]>([
    ['task', { prompt: 'Add well.' }, /task text, line 1/],
    ['tools', { tools: [] }, /tools: their names/],
  ])('does not play for another %s than it was told of', (_, change, message) => {
    const provider = recordedProvider(trajectory, madeFor)
    expect(() => provider.run({ ...request, ...change }, context().value)).toThrow(message)
  })

  it.each([1, 2])('stops in mid-call when interrupted, and answers the calls of that turn (of %s)', async (turns) => {
    const abort = new AbortController()
    const { events, value } = context(abort.signal)
    const first = { text: '', calls: [call('t1', -1, 0), call('t2', 1, 1)], results: [] }
    const slow = { ...trajectory, turns: [first, { text: 'Done.', calls: [], results: [] }].slice(0, turns) }
    const done = recordedProvider(slow, madeFor).run(request, value)
    setTimeout(() => abort.abort(), 30)
    expect(await done).toEqual({ reason: 'interrupted' })
    expect(events.filter(({ type }) => type === 'tool-end')).toMatchObject([
      { structured: { error: 'interrupted' } },
      { call: 't2', isError: true },
    ])
    expect(steps).not.toContain('add 1 1')
    expect(JSON.stringify(events)).not.toContain('Done.')
    expect(events.at(-1)).toMatchObject({ type: 'agent-end', reason: 'interrupted' })
  })

  it('keeps to the limit of turns, and ends as recorded', async () => {
    const limited = { ...trajectory, end: { reason: 'limit' as const, detail: '3 turns' } }
    expect(await recordedProvider(limited, madeFor).run(request, context().value)).toEqual({
      reason: 'limit',
      detail: '3 turns',
    })
    expect(await recordedProvider(trajectory, madeFor).run({ ...request, maxTurns: 1 }, context().value)).toMatchObject(
      { reason: 'limit' },
    )
  })
})
