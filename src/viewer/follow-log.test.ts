import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { acquireLock, type RunLock } from '../run/lock.ts'
import { followLog, type Followed } from './follow-log.ts'
import type { Place } from './log-batches.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = temporaryFolder('seer-follow-')
  path = join(folder, 'events.jsonl')
})

const line = (seq: number) =>
  `${JSON.stringify({ seq, at: '2026-01-01T00:00:00.000Z', type: 'x', run: 'r', by: 'system' })}\n`

/** Follows in the background and keeps what comes, in short words. */
function follow(from: Place = { offset: 0, seq: 0 }) {
  const stop = new AbortController()
  const said: string[] = []
  let place = from
  const told = (step: Followed) => {
    if (step.kind === 'state') return [`live ${step.live}, caught up ${step.caughtUp}`]
    if (step.kind === 'gone') return [`gone: ${step.why}`]
    ;({ place } = step)
    const seqs = step.events.map((text) => String((JSON.parse(text) as { seq: number }).seq))
    return [...seqs, ...step.problems.map(({ kind }) => kind)]
  }
  const ended = (async () => {
    for await (const step of followLog(folder, from, stop.signal)) said.push(...told(step))
  })()
  onTestFinished(() => stop.abort())
  return { said, ended, stop, place: () => place }
}

const expectToBecome = (said: readonly string[], ...expected: readonly string[]) =>
  expect.poll(() => said, { timeout: 5000 }).toEqual(expected)

test('a log that grows, is in the middle of a line, and ends', async () => {
  const lock = acquireLock(folder)
  writeFileSync(path, line(1) + line(2).slice(0, 30))
  const { said, place } = follow()
  const start = ['live true, caught up false', '1', 'live true, caught up true']
  await expectToBecome(said, ...start)
  appendFileSync(path, line(2).slice(30))
  await expectToBecome(said, ...start, '2')
  appendFileSync(path, line(3))
  lock.release()
  await expectToBecome(said, ...start, '2', '3', 'live false, caught up true')
  expect(place()).toEqual({ offset: 3 * line(1).length, seq: 3 })
})

test('what a writer wrote last is read before it is told that it has gone', async () => {
  for (let round = 0; round < 5; round++) {
    const lock = acquireLock(folder)
    writeFileSync(path, line(1))
    const { said, stop, ended } = follow()
    await expect.poll(() => said.length).toBe(3)
    appendFileSync(path, line(2))
    lock.release()
    await expect.poll(() => said.at(-1), { interval: 5, timeout: 3000 }).toBe('live false, caught up true')
    expect(said.slice(3)).toEqual(['2', 'live false, caught up true'])
    stop.abort()
    await ended
  }
})

test('a torn end is told once nobody writes any more, and gone on behind when somebody does', async () => {
  const lock: RunLock = acquireLock(folder)
  writeFileSync(path, `${line(1)}{"seq":`)
  const { said, place } = follow()
  const start = ['live true, caught up false', '1', 'live true, caught up true']
  await expectToBecome(said, ...start)
  lock.release()
  await expectToBecome(said, ...start, 'torn', 'live false, caught up true')
  expect(place()).toEqual({ offset: line(1).length, seq: 1 })
  // A recovery moves the torn end aside.
  truncateSync(path, line(1).length)
  appendFileSync(path, line(2))
  await expectToBecome(said, ...start, 'torn', 'live false, caught up true', '2')
})

test('it goes on from a place, and knows a gap there', async () => {
  writeFileSync(path, line(1) + line(2) + line(4))
  const first = follow({ offset: line(1).length, seq: 1 })
  await expectToBecome(first.said, 'live false, caught up false', '2', '4', 'gap', 'live false, caught up true')
  const second = follow(first.place())
  await expectToBecome(second.said, 'live false, caught up false', 'live false, caught up true')
  appendFileSync(path, line(5))
  await expectToBecome(second.said, 'live false, caught up false', 'live false, caught up true', '5')
  expect(second.place()).toEqual({ offset: 4 * line(1).length, seq: 5 })
})

test.each<[string, () => void, RegExp]>([
  ['deleted', () => rmSync(path), /deleted/],
  ['deleted with its folder', () => rmSync(folder, { recursive: true }), /deleted/],
  ['cut short', () => truncateSync(path, 10), /shorter/],
  [
    'replaced',
    () => {
      writeFileSync(`${path}.new`, line(1) + line(2) + line(3))
      renameSync(`${path}.new`, path)
    },
    /another log/,
  ],
])('a log that is %s while it is followed', async (_, change, why) => {
  writeFileSync(path, line(1) + line(2))
  const { said, ended } = follow()
  await expect.poll(() => said.length).toBe(4)
  change()
  await ended
  expect(said.at(-1)).toMatch(why)
  expect(said).toHaveLength(5)
})

test.each<[string, Place]>([
  ['in the middle of a line', { offset: 5, seq: 1 }],
  ['behind the end', { offset: 5000, seq: 1 }],
])('a place %s is of another log', async (_, place) => {
  writeFileSync(path, line(1) + line(2))
  const { said, ended } = follow(place)
  await ended
  expect(said).toEqual([expect.stringMatching(/not the log that was read before/)])
})

test('it ends when asked to, also while it waits', async () => {
  writeFileSync(path, line(1))
  const { said, stop, ended } = follow()
  await expectToBecome(said, 'live false, caught up false', '1', 'live false, caught up true')
  stop.abort()
  const startedAt = performance.now()
  await ended
  expect(performance.now() - startedAt).toBeLessThan(1000)
})
