import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { listRuns, makeFolder, newRunFolder, outputsFolder, resolveRun, stateFolder } from './paths.ts'

let outputs: string
beforeEach(() => {
  outputs = temporaryFolder('seer paths ü ')
})

function makeRun(name: string, at: string): string {
  const folder = join(outputs, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'events.jsonl'), `{"seq":1,"at":"${at}"}\n`)
  return folder
}

describe('newRunFolder', () => {
  const now = new Date(2026, 10, 23, 23, 59)

  test.each([
    ['sandbox-intro', 'sandbox-intro'],
    ['Über/mich & dich.ts', 'uber-mich-dich-ts'],
    ['../..', 'run'],
    ['x'.repeat(80), 'x'.repeat(32)],
  ])('of %s', (experiment, slug) => {
    const folder = newRunFolder(join(outputs, 'a', 'b'), experiment, now)
    expect(basename(folder)).toMatch(new RegExp(`^2026-11-23-${slug}-[a-z2-9]{4}$`))
  })

  test('a thousand at once are a thousand folders', () => {
    const folders = Array.from({ length: 1000 }, () => newRunFolder(outputs, 'x', now))
    expect(new Set(folders).size).toBe(1000)
  })

  test.each(['/proc/outputs', '/dev/null/outputs'])('%s takes no folder', (folder) => {
    expect(() => newRunFolder(folder, 'x', now)).toThrow(
      expect.objectContaining({ code: 'output-dir-unusable' }) as Error,
    )
  })
})

describe('resolveRun', () => {
  beforeEach(() => {
    makeRun('2026-11-22-intro-aaaa', '2026-11-22T10:00:00.000Z')
    makeRun('2026-11-23-intro-zzzz', '2026-11-23T10:00:00.000Z')
    makeRun('2026-11-23-intro-bbbb', '2026-11-23T11:00:00.000Z')
    mkdirSync(join(outputs, '2026-11-24-no-run-cccc'))
  })

  test.each([
    ['2026-11-22-intro-aaaa', 'aaaa'],
    ['2026-11-22', 'aaaa'],
    ['zzzz', 'zzzz'],
    ['latest', 'bbbb'],
    ['some/other/2026-11-22-intro-aaaa/', 'aaaa'],
  ])('%s', (name, ending) => {
    expect(resolveRun(name, outputs)).toBe(listed(ending))
  })

  test('a path, absolute or not', () => {
    expect(resolveRun(listed('aaaa'), '/nowhere')).toBe(listed('aaaa'))
    expect(resolveRun(`${listed('aaaa')}/`, '/nowhere')).toBe(listed('aaaa'))
  })

  test.each([
    ['2026-11-23', 'run-ambiguous', /2026-11-23-intro-bbbb, 2026-11-23-intro-zzzz/],
    ['2026-11-22-intro-aaab', 'run-unknown', /did you mean "2026-11-22-intro-aaaa"/],
    ['lates', 'run-unknown', /did you mean "latest"/],
    ['2026-11-24-no-run-cccc', 'run-unknown', /there is no run/i],
    ['', 'run-unknown', /there is no run/i],
  ])('%s is refused', (name, code, said) => {
    const error = catchError(() => resolveRun(name, outputs))
    expect(error).toMatchObject({ code })
    expect(`${error.message} ${error.hint}`).toMatch(said)
  })

  test('without any runs', () => {
    expect(catchError(() => resolveRun('latest', join(outputs, 'none')))).toMatchObject({
      message: expect.stringContaining('no runs') as string,
    })
  })

  test('runs are listed from the last begun to the first', () => {
    expect(listRuns(outputs).map((name) => name.slice(-4))).toEqual(['bbbb', 'zzzz', 'aaaa'])
  })

  const listed = (ending: string) =>
    join(
      outputs,
      listRuns(outputs).find((name) => name.endsWith(ending))!,
    )
})

test('the folders of a user', () => {
  expect(outputsFolder('/a')).toBe('/a/outputs')
  expect(stateFolder({ XDG_STATE_HOME: '/s' })).toBe('/s/seer')
  expect(stateFolder({ XDG_STATE_HOME: 'relative', HOME: '/h' })).toBe('/h/.local/state/seer')
})

test('makeFolder makes parents, and minds none that are there', () => {
  makeFolder(join(outputs, 'x', 'y'))
  makeFolder(join(outputs, 'x', 'y'))
  expect(() => makeFolder('/proc/x/y')).toThrow(/ENOENT/)
})

function catchError(body: () => unknown): Error & { hint?: string } {
  try {
    body()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
