import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput } from './events.ts'
import { openResults, tableFile } from './results.ts'

let folder: string
beforeEach(() => {
  folder = join(temporaryFolder('seer-results-'), 'results')
})

const record = (table: string, row: Record<string, number>): EventInput => ({
  type: 'result-record',
  by: 'agent:main',
  cell: 'c1',
  table,
  row,
})
const events = stampAll([record('trials', { a: 1 }), record('other', { b: 2 }), record('trials', { a: 2, _seq: 99 })])
const rows = '{"a":1,"_seq":1,"_session":null,"_cell":"c1"}\n{"a":2,"_seq":3,"_session":null,"_cell":"c1"}\n'
const read = () => readFileSync(join(folder, 'trials.jsonl'), 'utf8')

test('a row for each record, with where it comes from', () => {
  const results = openResults(folder)
  for (const event of events) results.push(event)
  expect(read()).toBe(rows)
  expect(readdirSync(folder).sort()).toEqual(['other.jsonl', 'trials.jsonl'])
})

test.each([
  ['the whole log again', '', 0],
  ['a half row', '{"a":2,"_s', 0],
  ['a row that no event wrote', '{"a":7}\n', 0],
  ['only later events', '', 2],
])('goes on after a crash: %s', (_, torn, from) => {
  const first = openResults(folder)
  first.push(events[0]!)
  appendFileSync(join(folder, 'trials.jsonl'), torn)
  const second = openResults(folder)
  for (const event of [...events.slice(from), ...events]) second.push(event)
  expect(read()).toBe(rows)
})

test('rows of two sessions are told apart', () => {
  const results = openResults(folder)
  const inputs = ['s1', 's2'].map((session) => ({ ...record('trials', { a: 1 }), session }))
  for (const event of stampAll(inputs)) results.push(event)
  expect(read()).toBe('{"a":1,"_seq":1,"_session":"s1","_cell":"c1"}\n{"a":1,"_seq":2,"_session":"s2","_cell":"c1"}\n')
})

test('no name of a table leads out of the folder, and no two share a file', () => {
  const names = ['trials', '../events', '..', '/etc/passwd', '.hidden', 'a/b', 'a b', 'a-b', 'ä', '', 'x'.repeat(300)]
  const files = names.map(tableFile)
  for (const file of files) expect(file).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/)
  expect(new Set(files).size).toBe(names.length)
})

test('a folder that takes nothing ends the run', () => {
  writeFileSync(folder, 'a file')
  expect(() => openResults(folder).push(events[0]!)).toThrow(
    expect.objectContaining({ code: 'results-write-failed', endsRun: true }) as Error,
  )
})
