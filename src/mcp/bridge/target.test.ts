import { expect, test } from 'vitest'
import type { LiveRun, ReachedServer } from '../reach.ts'
import { findTarget, type Wanted } from './target.ts'

const server = (name: string, more: Partial<ReachedServer> = {}): ReachedServer => ({
  name,
  kind: 'session',
  session: `s-${name}`,
  url: `http://127.0.0.1:1/mcp/${name}`,
  tokens: { 'second-author': `author of ${name}`, observer: `observer of ${name}` },
  ...more,
})
const { session: _, ...bare } = server('tools')
const live: LiveRun[] = [
  {
    run: '2026-11-30-intro-bbbb',
    folder: '/o/2026-11-30-intro-bbbb',
    startedAt: 2,
    writer: { pid: 2 },
    servers: [server('a'), server('b'), bare],
  },
  {
    run: '2026-11-30-intro-aaaa',
    folder: '/o/2026-11-30-intro-aaaa',
    startedAt: 1,
    writer: { pid: 1 },
    servers: [bare],
  },
  {
    run: '2026-11-29-other-aaab',
    folder: '/o/2026-11-29-other-aaab',
    startedAt: 0,
    writer: { pid: 3 },
    servers: [server('c', { kind: 'agent', tokens: { 'second-author': 'agent of c' } }), server('d')],
  },
]
const found = (wanted: Partial<Wanted>) => findTarget({ role: 'second-author', ...wanted }, live)?.token

test.each<[string, Partial<Wanted>, string | undefined]>([
  ['the newest session of the newest run', {}, 'author of b'],
  ['the newest run, by that word', { run: 'latest' }, 'author of b'],
  ['another session', { session: 's-a' }, 'author of a'],
  ['a session that is not there', { session: 's-x' }, undefined],
  ['as an observer', { role: 'observer' }, 'observer of b'],
  ['a role that nobody offers', { role: 'own-kernel' }, undefined],
  ['a run by its id', { run: '2026-11-30-intro-aaaa' }, 'author of tools'],
  ['by its folder', { run: '/somewhere/2026-11-30-intro-aaaa' }, 'author of tools'],
  ['by its end', { run: 'aaaa' }, 'author of tools'],
  ['by its beginning', { run: '2026-11-29' }, 'agent of c'],
  ['one that is not there', { run: 'none' }, undefined],
  ['an empty name', { run: '' }, undefined],
  ['an agent that is waited for, before a session', { run: 'aaab' }, 'agent of c'],
  ['what an agent has no need of, in a session', { run: 'aaab', role: 'observer' }, 'observer of d'],
  ['the run of a process that waits for an agent', { ofProcess: 3 }, 'agent of c'],
  ['that of one that does not', { ofProcess: 2 }, undefined],
])('%s', (_what, wanted, token) => expect(found(wanted)).toBe(token))

test('a session that a run that was named does not have', () => {
  const wanted = () => found({ run: 'bbbb', session: 's-aa' })
  expect(wanted).toThrow(expect.objectContaining({ code: 'session-unknown', hint: 'It has: s-a, s-b.' }))
  expect(wanted).toThrow(/did you mean "s-a"/)
})

test('two that could be meant', () => {
  expect(() => found({ run: '2026-11-30' })).toThrow(/Several runs/)
})
