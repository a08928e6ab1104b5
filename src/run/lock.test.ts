import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { acquireLock, readLock } from './lock.ts'
import { processStartTime } from './process-identity.ts'

let folder: string
beforeEach(() => {
  folder = temporaryFolder('seer-lock-')
})

const dead = JSON.stringify({ pid: 4_194_300, startTime: '1', host: hostname() })

test('is held by one, released, and leaves nothing behind', () => {
  expect(readLock(folder)).toBeUndefined()
  const lock = acquireLock(folder)
  expect(readLock(folder)).toEqual({
    pid: process.pid,
    startTime: processStartTime(process.pid),
    host: hostname(),
    alive: true,
  })
  expect(() => acquireLock(folder)).toThrow(/is being written by process/)
  lock.release()
  lock.release()
  expect(readdirSync(folder)).toEqual([])
  acquireLock(folder).release()
})

test.each([
  ['of a process that has ended', dead],
  [
    'of an earlier process with the number of a living one',
    JSON.stringify({ pid: process.pid, startTime: '1', host: hostname() }),
  ],
  ['that cannot be read', '{"pid":'],
  ['that is empty', ''],
])('a lock %s is taken over', (_, content) => {
  writeFileSync(join(folder, 'run.lock'), content)
  expect(readLock(folder)?.alive).toBe(false)
  acquireLock(folder)
  expect(readLock(folder)).toMatchObject({ pid: process.pid, alive: true })
  expect(readdirSync(folder)).toEqual(['run.lock'])
})

test('a lock from another machine is not taken over', () => {
  writeFileSync(join(folder, 'run.lock'), JSON.stringify({ pid: 1, startTime: '1', host: 'elsewhere' }))
  expect(() => acquireLock(folder)).toThrow(/on elsewhere/)
})

test('releasing does not remove the lock of another', () => {
  const lock = acquireLock(folder)
  writeFileSync(join(folder, 'run.lock'), dead)
  lock.release()
  expect(readFileSync(join(folder, 'run.lock'), 'utf8')).toBe(dead)
})

test('a claim that a dead process left does not stop anybody', () => {
  writeFileSync(join(folder, 'run.lock'), dead)
  writeFileSync(join(folder, 'run.lock.claim-1-abc'), dead)
  acquireLock(folder).release()
  expect(readdirSync(folder)).toEqual([])
})

test('of many processes that find a dead lock at once, exactly one gets it', async () => {
  const script = `
    import { acquireLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
    import { existsSync } from 'node:fs'
    process.stdout.write('ready\\n')
    while (!existsSync(process.argv[1] + '/go'));
    try { acquireLock(process.argv[1]); process.stdout.write('won\\n'); setTimeout(() => {}, 60_000) }
    catch (error) { process.stdout.write(error.code + '\\n'); process.exit(0) }`
  for (let round = 0; round < 3; round++) {
    const place = temporaryFolder('seer-race-')
    writeFileSync(join(place, 'run.lock'), dead)
    const children = Array.from({ length: 8 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script, place]),
    )
    const outputs = children.map(() => '')
    const waitFor = async (lines: number) => {
      while (!outputs.every((output) => output.split('\n').length > lines))
        await new Promise((resolve) => setTimeout(resolve, 10))
    }
    for (const [i, child] of children.entries())
      child.stdout.on('data', (data: Buffer) => (outputs[i] += data.toString()))
    try {
      await waitFor(1)
      writeFileSync(join(place, 'go'), '')
      await waitFor(2)
      const results = outputs.map((output) => output.split('\n')[1])
      expect(results.filter((result) => result === 'won')).toHaveLength(1)
      expect(results.filter((result) => result === 'run-locked')).toHaveLength(7)
    } finally {
      for (const child of children) child.kill('SIGKILL')
    }
  }
}, 60_000)
