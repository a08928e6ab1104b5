import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withLock } from './lock.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seer-lock-'))
  path = join(folder, 'a.lock')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const holder = (fields: object) =>
  writeFile(path, JSON.stringify({ pid: process.pid, startedAt: '', host: hostname(), token: 't', ...fields }))

const nothing = async () => 'done'
const within = (ms: number) => ({ signal: AbortSignal.timeout(ms) })

test('held by one at a time, and gone afterwards', async () => {
  let inside = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setTimeout(resolve, 5))
    inside--
  }
  await Promise.all(Array.from({ length: 5 }, () => withLock(path, {}, work)))
  expect(most).toBe(1)
  expect(await readdir(folder)).toEqual([])
})

test('gone also after work that failed', async () => {
  const failing = async () => {
    throw new Error('broke')
  }
  await expect(withLock(path, {}, failing)).rejects.toThrow('broke')
  expect(await readdir(folder)).toEqual([])
})

test('a dead holder is followed at once', async () => {
  await holder({ pid: 2 ** 22 + 1 })
  expect(await withLock(path, within(1_000), nothing)).toBe('done')
})

test.runIf(process.platform === 'linux')('a later process with the number of the dead one is no holder', async () => {
  await holder({ startedAt: '1' })
  expect(await withLock(path, within(1_000), nothing)).toBe('done')
})

test('a live holder is waited for, until the signal', async () => {
  await holder({})
  const waited: string[] = []
  const options = { ...within(500), onWait: (who: string) => void waited.push(who) }
  await expect(withLock(path, options, nothing)).rejects.toThrow('aborted')
  expect(waited).toEqual([`process ${process.pid}`])
})

test('a holder on another machine counts as long as it touches its lock', async () => {
  await holder({ host: 'elsewhere', pid: 1 })
  await expect(withLock(path, within(400), nothing)).rejects.toThrow('aborted')
  const longAgo = new Date(Date.now() - 120_000)
  await utimes(path, longAgo, longAgo)
  expect(await withLock(path, within(1_000), nothing)).toBe('done')
})
