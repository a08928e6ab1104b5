/** A snapshot is whole or not there: when its process is killed, when the disk is full, and when a workspace is very large. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSnapshot } from '../src/environment/snapshot/open-snapshot.ts'
import { restoreFiles } from '../src/environment/snapshot/restore.ts'
import { listSnapshots, snapshotsFolder } from '../src/environment/snapshot/store.ts'
import { bareMachine, stateOfTest } from './fixtures/bare-machine.ts'
import { until } from './fixtures/processes.ts'

function mountSmallDisk(folder: string, megabytes: number): Disposable | undefined {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', folder]) }
}

test.for([0, 10, 300, 1500, 3000, 3999])(
  'killed when %i files were stored: nothing is listed, and nothing stays',
  async (files) => {
    using state = stateOfTest()
    const child = spawn(
      process.execPath,
      ['--conditions=seer-source', join(import.meta.dirname, 'fixtures/save-snapshot.ts')],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, XDG_STATE_HOME: state.folder },
      },
    )
    await until('the snapshot to be half done', () => storedBlobs() >= files && existsSync(snapshotsFolder()))
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    expect(listSnapshots()).toEqual([])
    expect(readdirSync(snapshotsFolder()).filter((name) => !name.startsWith('.'))).toEqual([])
    await using one = await bareMachine()
    const { id } = await one.save()
    expect(readdirSync(snapshotsFolder())).toEqual([id])
  },
)

function storedBlobs(): number {
  try {
    const [unfinished] = readdirSync(snapshotsFolder()).filter((name) => name.startsWith('.'))
    return unfinished === undefined ? -1 : readdirSync(join(snapshotsFolder(), unfinished, 'blobs')).length
  } catch {
    return -1
  }
}

test.for<[string, (workspace: string) => void]>([
  ['one large file', (at) => writeFileSync(join(at, 'f'), Buffer.alloc(9 * 1024 * 1024, 'x'))],
  ['many small files', (at) => Array.from({ length: 3000 }, (_, i) => writeFileSync(join(at, `f${i}`), `${i}`))],
])('the disk is full with %s: an error that says so, and nothing is left', async ([, fill], { skip }) => {
  using _ = stateOfTest()
  using disk = mountSmallDisk(snapshotsFolder(), 4)
  if (!disk) skip('this user may not mount a tmpfs')
  await using one = await bareMachine()
  fill(one.workspace)
  await expect(one.save()).rejects.toMatchObject({ code: 'snapshot-not-saved', message: /no space left/i, hint: /\w/ })
  expect(readdirSync(snapshotsFolder())).toEqual([])
  const { events } = await import('../src/run/log-reader.ts').then(({ readEvents }) =>
    readEvents(join(one.run.folder, 'events.jsonl')),
  )
  expect(events.map(({ type }) => type)).not.toContain('snapshot-save')
})

test('the disk of a new sandbox is too small for the snapshot: an error that says so', async ({ skip }) => {
  using state = stateOfTest()
  const snapshot = await saved((at) => writeFileSync(join(at, 'f'), Buffer.alloc(9 * 1024 * 1024, 'x')))
  using disk = mountSmallDisk(join(state.folder, 'seer/sandboxes'), 4)
  if (!disk) skip('this user may not mount a tmpfs')
  await using other = await bareMachine()
  const { folder, record } = await openSnapshot(snapshot)
  const full = { code: 'disk-full', message: /no room for f/ }
  await expect(restoreFiles(other.machine, folder, record)).rejects.toMatchObject(full)
  expect(readdirSync(other.workspace)).toEqual(['libraries'])
})

async function saved(fill: (workspace: string) => void): Promise<string> {
  await using one = await bareMachine()
  fill(one.workspace)
  return (await one.save()).id
}

test('50,000 files: there and back, while everything else goes on', { timeout: 600_000 }, async () => {
  // In memory: what is measured here is not the disk.
  using _ = stateOfTest(mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'seer-many-')))
  let longest = 0
  let last = performance.now()
  const ticks = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 5)
  const id = await saved((at) => {
    for (let d = 0; d < 500; d++) {
      mkdirSync(join(at, `d${d}`))
      for (let f = 0; f < 100; f++) writeFileSync(join(at, `d${d}/f${f}`), `${d} ${f}`)
    }
    last = performance.now()
    longest = 0
  })
  const { folder, record, snapshot } = await openSnapshot(id)
  expect(snapshot.files).toBe(50_000)
  await using other = await bareMachine()
  await restoreFiles(other.machine, folder, record)
  clearInterval(ticks)
  expect(readFileSync(join(other.workspace, 'd499/f99'), 'utf8')).toBe('499 99')
  expect(readdirSync(join(other.workspace, 'd17'))).toHaveLength(100)
  console.log(`50,000 files; nothing else could run for ${Math.round(longest)} ms at most`)
  expect(longest).toBeLessThan(5000)
})
