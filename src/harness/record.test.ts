import { describe, expect, it } from 'vitest'
import type { EventInput, RunEvent } from '../run/events.ts'
import { trajectoryFromEvents } from './record.ts'
import { sha256Of, trajectorySchema, type MadeFor } from './trajectory.ts'

const madeFor: MadeFor = {
  params: {},
  promptSha256: sha256Of('p'),
  prompt: 'p',
  userMessage: 'Begin.',
  libraries: [],
  models: [],
  toolsVersion: 'f00',
}
const answeredBy = { provider: 'claude', model: 'claude-x', at: '2026-11-23T05:00:00.000Z', knewTruth: null }
const by = 'agent:investigator'
const usage = {
  type: 'agent-usage',
  by,
  model: 'm',
  inputTokens: 1,
  outputTokens: 1,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
} as const
const said = (text: string) => ({ type: 'agent-message', by, role: 'assistant', text }) as const
const called = (call: string) => ({ type: 'tool-start', by, call, name: 'execute_code', input: { code: '1' } }) as const
const answered = (call: string): EventInput => ({
  type: 'tool-end',
  by,
  call,
  name: 'execute_code',
  isError: false,
  durationMs: 1,
  content: [],
  structured: { cell: 'c1' },
})
const start: EventInput = {
  type: 'run-start',
  by: 'system',
  logVersion: 1,
  seer: '0.1.0',
  experiment: 'intro',
  profile: 'embedded',
  params: {},
  backend: 'local',
  confinement: 'none',
  provider: 'claude',
  seed: 0,
}
const compute: EventInput = {
  type: 'compute-report',
  by: 'system',
  python: '3.11',
  torch: '2',
  isa: 'AVX2',
  threads: 1,
  device: 'cpu',
}
const agent: EventInput = {
  type: 'agent-start',
  by,
  role: 'investigator',
  provider: 'claude',
  model: 'm',
  prompt: 'p',
  tools: [],
}
const user: EventInput = { type: 'agent-message', by: 'system', role: 'user', text: 'Begin.' }
const end: EventInput = { type: 'agent-end', by, reason: 'finished' }

function record(work: EventInput[], last: EventInput = end) {
  const events = [start, compute, agent, user, ...work, last].map((event, i) => ({
    ...event,
    seq: i + 1,
    at: '2026-11-23T05:00:00.000Z',
    run: 'r',
  })) as RunEvent[]
  return trajectoryFromEvents(events, { madeFor, answeredBy })
}

describe('trajectoryFromEvents', () => {
  it('gathers turns: words, calls, results; a turn without words too', () => {
    const trajectory = record([
      usage,
      said('A'),
      called('1'),
      answered('1'),
      usage,
      called('2'),
      called('3'),
      answered('2'),
      answered('3'),
      usage,
      said('B'),
    ])
    expect(
      trajectory.turns.map(({ text, calls, results }) => [text, calls.map(({ id }) => id), results.map((r) => r.call)]),
    ).toEqual([
      ['A', ['1'], ['1']],
      ['', ['2', '3'], ['2', '3']],
      ['B', [], []],
    ])
    expect(trajectorySchema.parse(JSON.parse(JSON.stringify(trajectory)))).toEqual(trajectory)
  })

  it('tells turns apart by their words where a provider reports no usage', () => {
    const turns = record([said('A'), called('1'), answered('1'), said('B')]).turns
    expect(turns.map(({ text }) => text)).toEqual(['A', 'B'])
  })

  it('takes only the agent’s own words and calls', () => {
    const other = { ...said('X'), by: 'agent:judge' as const }
    expect(record([usage, said('A'), other]).turns).toEqual([{ text: 'A', calls: [], results: [] }])
  })

  it('keeps the cells as text, the set-up with them', () => {
    const cell = (id: string, hidden: boolean): EventInput[] => [
      { type: 'cell-start', by: hidden ? 'setup' : by, session: 's', cell: id, code: `code ${id}`, hidden },
      {
        type: 'cell-output',
        by: 'system',
        session: 's',
        cell: id,
        output: { output_type: 'stream', name: 'stdout', text: `out ${id}\n` },
      },
      { type: 'cell-end', by: 'system', session: 's', cell: id, status: 'ok', executionCount: 1, durationMs: 1 },
    ]
    expect(record([...cell('c1', true), usage, said('A'), ...cell('c2', false)]).cells).toEqual({
      c1: { code: 'code c1', hidden: true, status: 'ok', text: 'out c1\n' },
      c2: { code: 'code c2', hidden: false, status: 'ok', text: 'out c2\n' },
    })
  })

  it.each<[string, EventInput[], EventInput, string]>([
    ['a failed agent', [usage, said('A')], { ...end, reason: 'failed', detail: 'no network' }, 'recording-incomplete'],
    ['nothing said', [], end, 'recording-incomplete'],
    [
      'an agent that was spoken to',
      [usage, said('A'), { type: 'run-steer', by: 'researcher', action: 'message', from: 'page', agent: 'explorer' }],
      end,
      'recording-incomplete',
    ],
    [
      'a key in an output',
      [usage, { ...called('1'), input: { code: `key = "sk-ant-${'a1'.repeat(20)}"` } }],
      end,
      'recording-holds-key',
    ],
  ])('refuses %s', (_, work, last, code) => {
    expect(() => record(work, last)).toThrow(expect.objectContaining({ code }))
  })

  it('does not repeat a key in its error', () => {
    const key = `sk-ant-${'a1'.repeat(20)}`
    expect(() => record([usage, said(`the key is ${key}`)])).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(key) }),
    )
  })

  it('takes nothing over that it does not name', () => {
    const leak = { ...agent, apiKey: 'secret-1' } as EventInput
    const trajectory = record([
      leak,
      { ...usage, note: 'secret-2' } as EventInput,
      { ...said('A'), thinking: 'secret-3' },
    ])
    expect(JSON.stringify(trajectory)).not.toContain('secret')
  })
})
