import { expect, test } from 'vitest'
import type { AnyEvent } from '../../run/fold.ts'
import { runFold } from '../run-state.ts'
import { workingAgents } from './working-agents.ts'

const RECORDED = { provider: 'claude', model: 'm', at: '2026-01-01T00:00:00.000Z', knewTruth: false }
const begins = (name: string, recorded?: typeof RECORDED) => ({
  type: 'agent-start',
  by: `agent:${name}`,
  agent: name,
  role: name,
  provider: 'p',
  model: 'm',
  prompt: '',
  tools: [],
  ...(recorded && { recorded }),
})
const ends = (name: string) => ({ type: 'agent-end', by: `agent:${name}`, agent: name, reason: 'finished' })

function after(...events: object[]) {
  const stamped = events.map((event, n) => ({ seq: n + 1, at: RECORDED.at, run: 'r', ...event }) as AnyEvent)
  return workingAgents(stamped.reduce((state, event) => runFold.step(state, event), runFold.initial()))
}

test('those that have begun and not ended', () => {
  expect(after()).toEqual({ agents: [], isRecorded: false })
  expect(after(begins('a'), begins('b'), ends('a'))).toEqual({ agents: ['b'], isRecorded: false })
})

test('nothing can be said where all of them play recordings', () => {
  expect(after(begins('a', RECORDED))).toEqual({ agents: ['a'], isRecorded: true })
  expect(after(begins('a', RECORDED), begins('b')).isRecorded).toBe(false)
  expect(after(begins('a', RECORDED), begins('b'), ends('b')).isRecorded).toBe(true)
})
