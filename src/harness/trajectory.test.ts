import { describe, expect, it } from 'vitest'
import { difference } from './trajectory-difference.ts'
import { parseTrajectory, sha256Of, type MadeFor, type Trajectory } from './trajectory.ts'

const prompt = 'You investigate.\nUse the tools.\nSubmit a finding.'
const madeFor: MadeFor = {
  params: { layer: 12, concepts: ['a', 'b'], steering: { strength: 4 } },
  promptSha256: sha256Of(prompt),
  prompt,
  userMessage: 'Begin.',
  libraries: [{ name: 'steering_hook', sha256: 'a'.repeat(64) }],
  models: [{ name: 'small-model', weightsSha256: 'b'.repeat(64) }],
  toolsVersion: 'f00',
}
const trajectory: Trajectory = {
  format: 1,
  experiment: 'sandbox-intro',
  profile: 'embedded',
  madeFor,
  answeredBy: { provider: 'claude', model: 'm', at: '2026-11-23T05:00:00.000Z', knewTruth: false },
  compute: { python: '3.11', torch: '2.13', isa: 'AVX2', threads: 1, device: 'cpu' },
  turns: [{ text: 'Hello.', calls: [], results: [] }],
  cells: {},
  end: { reason: 'finished' },
}

describe('parseTrajectory', () => {
  it('reads what it wrote', () => {
    expect(parseTrajectory(JSON.stringify(trajectory), 'r.json')).toEqual(trajectory)
  })

  it.each<[string, unknown, RegExp]>([
    ['no JSON', undefined, /not JSON/],
    ['another format', { ...trajectory, format: 2 }, /format is 2/],
    ['an unknown key', { ...trajectory, more: 1 }, /more/],
    ['a prompt that was edited', { ...trajectory, madeFor: { ...madeFor, prompt: 'x' } }, /hash/],
  ])('refuses %s', (_, value, message) => {
    const read = () => parseTrajectory(value === undefined ? '{' : JSON.stringify(value), 'r.json')
    expect(read).toThrow(
      expect.objectContaining({ code: 'recording-unreadable', message: expect.stringMatching(message) }),
    )
  })
})

describe('difference', () => {
  const edited = 'You investigate.\nUse the tools well.\nSubmit a finding.'
  it.each<[string, Partial<MadeFor>, string[]]>([
    ['nothing', {}, []],
    ['the order of keys', { params: { steering: { strength: 4 }, concepts: ['a', 'b'], layer: 12 } }, []],
    ['a param', { params: { ...madeFor.params, layer: 14 } }, ['param layer: 12 → 14']],
    [
      'a param within',
      { params: { ...madeFor.params, steering: { strength: 5 } } },
      ['param steering.strength: 4 → 5'],
    ],
    ['a new param', { params: { ...madeFor.params, seed: 1 } }, ['param seed: (not set) → 1']],
    [
      'a param that is gone',
      { params: { layer: 12, concepts: ['a', 'b'] } },
      ['param steering: {"strength":4} → (not set)'],
    ],
    ['the task', { prompt: edited }, ['task text, line 2: "Use the tools." → "Use the tools well."']],
    ['a longer task', { prompt: `${prompt}\nEnd.` }, ['task text, line 4: (no such line) → "End."']],
    ['the first message', { userMessage: 'Go.' }, ['first message to the agent, line 1: "Begin." → "Go."']],
    [
      'a library’s content',
      { libraries: [{ name: 'steering_hook', sha256: 'c'.repeat(64) }] },
      ['library steering_hook: other content (sha256 aaaaaaaaaaaa → cccccccccccc)'],
    ],
    [
      'a skill more',
      { skills: [{ name: 'steering', sha256: 'c'.repeat(64) }] },
      ['skill steering: recorded without it'],
    ],
    ['a library less', { libraries: [] }, ['library steering_hook: recorded with it, and now it is missing']],
    [
      'the subject',
      { models: [{ name: 'big-model', weightsSha256: 'b'.repeat(64) }] },
      ['subject model: small-model → big-model'],
    ],
    [
      'its weights',
      { models: [{ name: 'small-model', weightsSha256: 'd'.repeat(64) }] },
      ['subject model small-model: other weights (sha256 bbbbbbbbbbbb → dddddddddddd)'],
    ],
    [
      'the tools',
      { toolsVersion: 'ba2' },
      ['tools: their names, arguments or result shapes have changed (version f00 → ba2)'],
    ],
  ])('names %s', (_, change, sentences) => {
    expect(difference(madeFor, { ...madeFor, ...change })).toEqual(sentences)
  })

  it('names all of them', () => {
    expect(difference(madeFor, { ...madeFor, params: {}, toolsVersion: 'ba2', models: [] })).toHaveLength(5)
  })
})
