import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readEvents, readLog } from './log-reader.ts'

let path: string
beforeEach(() => {
  path = join(temporaryFolder('seer-log-'), 'events.jsonl')
})

const line = (seq: number, more: object = {}) =>
  `${JSON.stringify({ seq, at: '2026-01-01T00:00:00.000Z', type: 'session-end', reason: 'done', run: 'r', by: 'system', ...more })}\n`

test.each<[string, string | Buffer, number[], string[]]>([
  ['a good log', line(1) + line(2), [1, 2], []],
  ['an empty log', '', [], []],
  ['an event from the future is passed on', line(1) + line(2, { type: 'star-add', star: 1 }), [1, 2], []],
  ['a known event with new fields is passed on', line(1, { new: 1 }), [1], []],
  ['a line that is not JSON', `${line(1)}rubbish\n${line(3)}`, [1, 3], ['invalid']],
  ['an empty line', `${line(1)}\n${line(3)}`, [1, 3], ['invalid']],
  ['a wrong payload', line(1) + line(2, { type: 'cell-start', code: 7, hidden: false }) + line(3), [1, 3], ['invalid']],
  ['no envelope', `{"seq":1}\n`, [], ['invalid']],
  ['a gap', line(1) + line(4) + line(5), [1, 4, 5], ['gap']],
  ['a start that is not the first', line(3), [3], ['gap']],
  ['a number twice', line(1) + line(1) + line(2), [1, 2], ['repeat']],
  ['a torn end', `${line(1)}{"seq":2,`, [1], ['torn']],
  ['bytes that are no text', Buffer.concat([Buffer.from(line(1)), Buffer.from([0xff, 0xfe, 0x0a])]), [1], ['invalid']],
])('%s', async (_, content, seqs, kinds) => {
  writeFileSync(path, content)
  const { events, problems } = await readEvents(path)
  expect(events.map(({ seq }) => seq)).toEqual(seqs)
  expect(problems.map(({ kind }) => kind)).toEqual(kinds)
})

test('reads on from where it ended, also when a line came in two parts', async () => {
  writeFileSync(path, line(1) + line(2).slice(0, 20))
  const first = await readEvents(path)
  expect(first.end).toBe(Buffer.byteLength(line(1)))
  appendFileSync(path, line(2).slice(20) + line(3))
  const second = await readEvents(path, { from: first.end, lastSeq: 1 })
  expect(second.events.map(({ seq }) => seq)).toEqual([2, 3])
  expect(second.problems).toEqual([])
})

test('finds a gap at the place where it reads on', async () => {
  writeFileSync(path, line(1) + line(3))
  const { problems } = await readEvents(path, { from: line(1).length, lastSeq: 1 })
  expect(problems.map(({ kind }) => kind)).toEqual(['gap'])
})

test('a line without an end does not fill the memory', async () => {
  writeFileSync(path, line(1))
  truncateSync(path, 300 * 1024 * 1024)
  appendFileSync(path, `\n${line(3)}`)
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  const seqs: number[] = []
  for await (const parsed of readLog(path)) {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    if (parsed.kind === 'event') seqs.push(parsed.event.seq)
  }
  expect(seqs).toEqual([1, 3])
  expect(most).toBeLessThan(150 * 1024 * 1024)
})

test('a log that is not there is said to be missing', async () => {
  await expect(readEvents(path)).rejects.toMatchObject({ code: 'log-missing' })
})
