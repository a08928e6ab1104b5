import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { makeSandbox } from '../../test/fixtures/sandbox-facts.ts'
import { processStartTime } from '../run/process-identity.ts'
import { holdOf, knownSandbox, knownSandboxes } from './known-sandboxes.ts'

let state: string
beforeEach(() => {
  state = newFolder()
  vi.stubEnv('XDG_STATE_HOME', state)
})
afterEach(() => void vi.unstubAllEnvs())

const MINE = { pid: process.pid, startTime: processStartTime(process.pid) ?? '', host: hostname() }

function runFolder(lock?: object): string {
  const folder = newFolder()
  if (lock) writeFileSync(join(folder, 'run.lock'), JSON.stringify(lock))
  return folder
}

const times = { at: '2026-11-23T12:00:00.000Z', until: '2026-11-23T13:00:00.000Z', readSeq: 0, sessions: [] }

test.each([
  ['a living process', () => ({ run: runFolder(MINE) }), { state: 'used', pid: process.pid, machine: hostname() }],
  ['one on another machine', () => ({ run: runFolder({ ...MINE, host: 'far' }) }), { state: 'used', machine: 'far' }],
  ['one that was killed', () => ({ run: runFolder({ ...MINE, startTime: '1' }) }), { state: 'crashed' }],
  ['a run that has ended', () => ({ run: runFolder() }), { state: 'left' }],
  ['a run that was removed', () => ({ run: '/none/of/these' }), { state: 'left' }],
  ['nobody: it was let go', () => ({ facts: { detached: times } }), { state: 'detached' }],
  ['whoever is just taking it up', () => ({ run: runFolder(MINE), facts: { detached: times } }), { state: 'used' }],
  ['nobody yet', () => ({ facts: null }), { state: 'half-made', isOld: false }],
  ['nobody that can be seen from here', () => ({ facts: { machine: 'far' } }), { state: 'elsewhere', machine: 'far' }],
])('it is used by %s', async (_, made, use) => {
  const folder = makeSandbox(state, 'sb-1', made())
  expect((await knownSandbox(folder))?.use).toMatchObject(use)
})

test('one that nobody came back to is an old one', async () => {
  const folder = makeSandbox(state, 'sb-1', { facts: null })
  const hourAgo = new Date(Date.now() - 3600_000)
  utimesSync(folder, hourAgo, hourAgo)
  expect((await knownSandbox(folder))?.use).toEqual({ state: 'half-made', isOld: true })
})

test('its host is told by its pid and its start', async () => {
  makeSandbox(state, 'sb-1', { alive: true })
  makeSandbox(state, 'sb-2', {})
  const found = await knownSandboxes()
  expect(Object.fromEntries(found.map(({ id, pid }) => [id, pid]))).toEqual({ 'sb-1': process.pid, 'sb-2': undefined })
})

test('what is written down of another folder, or cannot be read, is nothing; links and files are no sandboxes', async () => {
  makeSandbox(state, 'sb-1', { facts: { id: 'sb-9' } })
  makeSandbox(state, 'sb-2', { facts: { attach: { stateDir: '/elsewhere' } } })
  const third = makeSandbox(state, 'sb-3', {})
  writeFileSync(join(third, 'sandbox.json'), '{"id": ')
  symlinkSync(third, join(state, 'seer/sandboxes/sb-4'))
  writeFileSync(join(state, 'seer/sandboxes/sb-5'), '')
  const found = await knownSandboxes()
  expect(found.map(({ id, facts }) => [id, facts])).toEqual([
    ['sb-1', undefined],
    ['sb-2', undefined],
    ['sb-3', undefined],
  ])
})

test('there may never have been any', async () => {
  expect(await knownSandboxes()).toEqual([])
  mkdirSync(join(state, 'seer'), { recursive: true })
  expect(await knownSandboxes()).toEqual([])
})

test('whose a sandbox is that the log of a crashed run names', () => {
  const [one, two] = [runFolder(), runFolder()]
  const holdIn = (made: Parameters<typeof makeSandbox>[2]) => holdOf(makeSandbox(state, 'sb-1', made), one)
  expect(holdIn({ run: one })).toBe('its own')
  expect(holdIn({ run: two })).toBe('free')
  expect(holdIn({ run: '/none/of/these' })).toBe('another’s')
  const unheld = (facts: object) => holdOf(makeSandbox(state, 'sb-2', { facts }), one)
  expect([unheld({ run: one }), unheld({ run: one, detached: times })]).toEqual(['its own', 'free'])
})
