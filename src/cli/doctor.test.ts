import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collector } from '../../test/collector.ts'
import { makeSandbox } from '../../test/fixtures/sandbox-facts.ts'
import { findWall } from '../sandbox/local/wall/find-wall.ts'
import type { Check } from './doctor-check.ts'
import { doctor } from './doctor.ts'

let home: string
beforeAll(() => void (home = mkdtempSync(join(tmpdir(), 'seer-doctor-'))))
afterAll(() => rmSync(home, { recursive: true, force: true }))

async function examine(env: NodeJS.ProcessEnv = {}, outputDir = join(home, 'outputs')) {
  const whole = { HOME: home, PATH: process.env['PATH'], SEER_CACHE: join(home, 'cache'), ...env }
  const out = collector()
  const code = await doctor({ json: true, env: whole, outputDir, out })
  const lines = out.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  const checks = lines.slice(0, -1) as Check[]
  const check = (name: string) => checks.find((found) => found.name === name)
  return { code, checks, check, last: lines.at(-1), text: out.text }
}

test('a machine with nothing of Seer’s yet: what is missing is brought at the first run, and nothing is made now', async () => {
  const { code, check, last } = await examine()
  expect(code).toBe(0)
  expect(last).toMatchObject({ status: 'ok', problem: 0 })
  expect(check('Node')).toMatchObject({ level: 'ok', text: `${process.versions.node} (${process.execPath})` })
  expect(check('environment')!.text).toContain('not made yet')
  expect(check('embedded model')!.text).toContain('not here yet')
  const wall = await findWall()
  expect(check('confinement')!.level).toBe(wall.kind === 'none' ? 'problem' : 'ok')
  expect(readdirSync(home)).toEqual([])
})

test('a key is never shown, nor a password in a url', async () => {
  const { text, check } = await examine({
    ANTHROPIC_API_KEY: 'sk-very-secret',
    ANTHROPIC_BASE_URL: 'http://me:secret@localhost:8080/v1?key=secret',
  })
  expect(check('ANTHROPIC_API_KEY')!.text).toMatch(/^set/)
  expect(check('ANTHROPIC_BASE_URL')!.text).toContain('http://localhost:8080/v1')
  expect(text).not.toContain('secret')
})

test.for([
  ['no Python', () => ({ SEER_PYTHON: '/none' }), 'Python'],
  ['an old uv and no pip', withoutPip, 'uv'],
  ['a cache that is a file', () => ({ SEER_CACHE: fileAt('cache-file') }), 'cache'],
  ['a state folder that is a file', () => ({ XDG_STATE_HOME: fileAt('state-file') }), 'state'],
] as const)('%s is a problem, with what to do', async ([, env, name]) => {
  const { code, check } = await examine(env())
  expect(check(name)).toMatchObject({ level: 'problem', hint: expect.any(String) })
  expect(code).toBe(1)
})

test('an outputs folder that cannot be written to is a problem', async () => {
  const { code, check } = await examine({}, join(fileAt('outputs-file'), 'runs'))
  expect(check('runs')!.level).toBe('problem')
  expect(code).toBe(1)
})

test('sandboxes: those that live, those that were let go, and the dead', async () => {
  const state = join(home, 'state')
  const until = '2026-11-23T12:30:00.000Z'
  makeSandbox(state, 'sb-1', { run: '/none', alive: true })
  makeSandbox(state, 'sb-2', { facts: { detached: { at: until, until, readSeq: 0, sessions: [] } }, alive: true })
  const living = `2 alive: sb-1 (process ${process.pid}), sb-2 (process ${process.pid}, detached, until 23 Nov 2026, 12:30 UTC)`
  const before = await examine({ XDG_STATE_HOME: state })
  expect(before.check('sandboxes')).toMatchObject({ level: 'ok', text: expect.stringContaining(living) as string })
  makeSandbox(state, 'sb-3', { run: '/none' })
  makeSandbox(state, 'sb-4', { facts: { detached: { at: until, until, readSeq: 0, sessions: [] } } })
  const { check, code } = await examine({ XDG_STATE_HOME: state })
  expect(check('sandboxes')).toMatchObject({ level: 'warning', hint: expect.stringContaining('seer gc') })
  expect(check('sandboxes')!.text).toBe(`${living}; 2 folders of dead ones`)
  expect(code).toBe(0)
})

test('for people: a line each, and a last word', async () => {
  const out = collector(80)
  await doctor({
    env: { HOME: home, PATH: process.env['PATH'], SEER_PYTHON: '/none' },
    outputDir: home,
    out,
    color: false,
  })
  const lines = out.text.trimEnd().split('\n')
  expect(lines).toContainEqual(expect.stringMatching(/^ok {7}Node {14}/))
  expect(lines).toContainEqual(expect.stringMatching(/^problem {2}Python/))
  expect(lines).toContainEqual(expect.stringMatching(/^ {27}→ SEER_PYTHON must be/))
  expect(lines.at(-1)).toBe('One problem stands in the way of seer run sandbox-intro.')
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
})

function fileAt(name: string): string {
  const path = join(home, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '')
  return path
}

/** A PATH with a python that has no pip, and an old uv. */
function withoutPip(): NodeJS.ProcessEnv {
  const bin = join(home, 'bin')
  mkdirSync(bin, { recursive: true })
  const probe = JSON.stringify({ executable: join(bin, 'python3'), version: '3.12.1', platform: 'test', hasPip: false })
  writeFileSync(join(bin, 'python3'), `#!/bin/sh\necho '${probe}'\n`, { mode: 0o755 })
  writeFileSync(join(bin, 'uv'), '#!/bin/sh\necho "uv 0.1.0"\n', { mode: 0o755 })
  return { PATH: bin }
}
