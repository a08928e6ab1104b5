import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { controlRuns, failing, page, type ControlRuns } from '../../test/fixtures/control-runs.ts'
import { readLock } from './lock.ts'
import type { Run } from './run.ts'

let runs: ControlRuns
let run: Run
beforeEach(() => {
  runs = controlRuns()
  run = runs.start()
})

const lockOf = (folder: string, control: string | undefined, host = hostname()) => {
  const mine = readLock(run.folder)!
  mkdirSync(join(runs.root, folder), { recursive: true })
  writeFileSync(
    join(runs.root, folder, 'run.lock'),
    JSON.stringify({ pid: mine.pid, startTime: mine.startTime, host, control }),
  )
  return { folder: join(runs.root, folder) }
}

test('a run without a writer, and one whose writer is elsewhere', async () => {
  mkdirSync(join(runs.root, 'none'))
  await expect(page({ folder: join(runs.root, 'none') })).rejects.toEqual(failing('run-not-live'))
  await expect(page({ folder: join(runs.root, 'not there') })).rejects.toEqual(failing('run-not-live'))
  await expect(page(lockOf('far', undefined, 'far-away'))).rejects.toEqual(failing('run-elsewhere', /far-away/))
  await expect(page(lockOf('mute', undefined))).rejects.toEqual(failing('control-missing'))
})

/** A server at this path, and what it hears. */
async function listen(path: string): Promise<{ heard: string[]; path: string }> {
  const heard: string[] = []
  const server = createServer((socket) => socket.on('data', (data) => heard.push(String(data))))
  onTestFinished(() => void server.close())
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  await once(server.listen(path), 'listening')
  return { heard, path }
}

type Case = readonly [what: string, name: string, change: (folder: string) => void, why: RegExp]
test.each<Case>([
  ['that is not where Seer makes them', 'docker.sock', () => undefined, /none of Seer's/],
  ['that is not closed to others', 'seer/control/ab.sock', (folder) => chmodSync(folder, 0o755), /closed to others/],
  ...(userInfo().uid === 0
    ? [
        ['in a folder of another user', 'seer/control/ab.sock', foreign, /closed to others/] satisfies Case,
        [
          'of another user',
          'seer/control/ab.sock',
          (folder: string) => foreign(join(folder, 'ab.sock')),
          /none of/,
        ] satisfies Case,
      ]
    : []),
])('refuses a socket %s', async (_, name, change, why) => {
  const { heard, path } = await listen(join(runs.root, 'place', name))
  change(dirname(path))
  await expect(page(lockOf('a', path))).rejects.toEqual(failing('control-refused', why))
  expect(heard).toEqual([])
})

function foreign(path: string): void {
  chownSync(path, 12_345, 12_345)
}

test('waits only so long for one that does not answer, and not at all for one that is not there', async () => {
  const { heard, path } = await listen(join(runs.root, 'place/seer/control/ab.sock'))
  const before = performance.now()
  await expect(page(lockOf('mute', path), 200)).rejects.toEqual(failing('control-no-answer', /does not answer/))
  expect(heard).toHaveLength(1)
  rmSync(path)
  await expect(page(lockOf('gone', path))).rejects.toEqual(failing('control-no-answer', /does not answer/))
  expect(performance.now() - before).toBeLessThan(1000)
})
