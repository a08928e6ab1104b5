import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { spawn } from 'node:child_process'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { blobOf, output, record, sha256Of } from '../../test/fixtures/memory-host.ts'
import { factsOf } from '../../test/fixtures/sandbox-facts.ts'
import { newFolder, newRun } from '../../test/fixtures/memory-run.ts'
import { checkRun } from '../run/check.ts'
import { knownEvents } from '../run/events.ts'
import { readLock } from '../run/lock.ts'
import { readEvents } from '../run/log-reader.ts'
import { processStartTime } from '../run/process-identity.ts'
import type { Run } from '../run/run.ts'
import { rootsFor } from '../run/socket-path.ts'
import { sandboxFolder } from '../sandbox/local/sandbox-folder.ts'
import { recoverRun } from './recover.ts'

beforeEach(() => void vi.stubEnv('XDG_STATE_HOME', newFolder()))
afterEach(() => void vi.unstubAllEnvs())

let sandboxes = 0

interface Crash {
  fromSeq?: number
  seq?: number | null
  again?: boolean
  /** What the log says of the place, other than what is so. */
  said?: object
  /** Whose the sandbox is by its own files; null: nothing is written. */
  owner?: string | null
}

/** What a process leaves that was killed in mid-cell: a log that ends in the middle of a record, and a host's files. */
function crashed(
  records: readonly object[],
  { fromSeq = 0, seq = 1, again = false, said = {}, owner }: Crash = {},
): { run: Run; stateDir: string } {
  const run = newRun()
  const id = `sb-${(sandboxes++).toString(16).padStart(10, '0')}`
  const stateDir = sandboxFolder(id)
  mkdirSync(join(stateDir, 'blobs'), { recursive: true })
  if (owner !== null) writeFileSync(join(stateDir, 'run-folder'), owner ?? run.folder)
  writeFileSync(join(stateDir, 'journal.jsonl'), records.map((one) => `${JSON.stringify(one)}\n`).join(''))
  const place = { by: 'agent:x', session: 's1', sandbox: id } as const
  const runtimeDir = join(rootsFor(process.env).at(-1)!, id)
  const attach = { id, stateDir, runtimeDir, python: '/usr/bin/python3', fromSeq, ...said }
  const start = {
    type: 'sandbox-start',
    by: 'system',
    sandbox: id,
    backend: 'local',
    confinement: 'none',
    environment: 'e',
    workspacePath: '/w',
    attach,
  } as const
  run.emit(start)
  if (again) {
    run.emit({ type: 'sandbox-end', by: 'system', sandbox: id, reason: 'detached' })
    run.emit({ ...start, attached: true })
  }
  run.emit({ type: 'cell-start', ...place, cell: 'c1', code: '1', hidden: false })
  if (seq !== null)
    run.emit({
      type: 'cell-output',
      ...place,
      cell: 'c1',
      kernel: { generation: 1, seq },
      output: { output_type: 'stream', name: 'stdout', text: 'one' },
    })
  kill(run)
  return { run, stateDir }
}

/** Its lock names a process that is no more. */
function kill(run: Run): void {
  run.leave()
  const lock = JSON.parse(readFileSync(join(run.folder, 'run.lock'), 'utf8')) as object
  writeFileSync(join(run.folder, 'run.lock'), JSON.stringify({ ...lock, pid: 2 ** 22, startTime: '1' }))
}

async function log(run: Run) {
  const events = knownEvents((await readEvents(join(run.folder, 'events.jsonl'))).events)
  const printed = events.flatMap((event) =>
    event.type === 'cell-output' ? JSON.stringify(event.output).match(/"text":"(\w+)"/)?.[1] : [],
  )
  return { printed, types: events.slice(4).map(({ type }) => type), end: events.at(-1) }
}

test('what the host had received is in the log once, by whom it was, with its end; the sandbox is gone', async () => {
  const { run, stateDir } = crashed([output(1, 'one'), output(2, 'two'), record(3, 'cell-end')])
  expect(await recoverRun(run.folder)).toEqual({ run: run.id, folder: run.folder, recovered: 3, problems: [] })
  const { printed, types, end } = await log(run)
  expect(printed).toEqual(['one', 'two'])
  expect(types).toEqual(['notice-add', 'cell-output', 'cell-end', 'sandbox-end', 'run-end'])
  expect(end).toMatchObject({ status: 'crashed' })
  expect([existsSync(stateDir), readLock(run.folder)]).toEqual([false, undefined])
  expect(await recoverRun(run.folder)).toBeUndefined()
})

test('the run lasted until its last event before the recovery, however late and often that comes', async () => {
  const bytes = Buffer.from('large')
  const { run, stateDir } = crashed([output(1, 'one'), output(2, 'two'), blobOf(3, bytes)])
  const lived = await readEvents(join(run.folder, 'events.jsonl'))
  const [first, last] = [lived.events[0]!.at, lived.events.at(-1)!.at]
  await sleep(1100)
  await recoverRun(run.folder)
  kill(run)
  writeFileSync(join(stateDir, 'blobs', sha256Of(bytes)), bytes)
  await sleep(1100)
  expect(await recoverRun(run.folder)).toMatchObject({ problems: [] })
  expect((await log(run)).end).toMatchObject({ status: 'crashed', durationMs: Date.parse(last) - Date.parse(first) })
  const told = JSON.parse(readFileSync(join(run.folder, 'run.json'), 'utf8')) as { endedAt: string }
  expect(told).toMatchObject({ endedAt: last, durationMs: Date.parse(last) - Date.parse(first) })
  expect((await checkRun(run.folder)).problems).toEqual([])
})

test('a sandbox that was let go in the moment in which its process was killed is left alone', async () => {
  const { run, stateDir } = crashed([output(1, 'one')], { owner: null })
  const detached = { at: '2026-11-23T12:00:00.000Z', until: '2026-11-23T13:00:00.000Z', readSeq: 0, sessions: [] }
  writeFileSync(join(stateDir, 'sandbox.json'), JSON.stringify(factsOf(stateDir, basename(stateDir), { detached })))
  expect(await recoverRun(run.folder)).toMatchObject({ recovered: 1, problems: [] })
  expect((await log(run)).types).toEqual(['notice-add', 'sandbox-end', 'run-end'])
  expect(existsSync(join(stateDir, 'journal.jsonl'))).toBe(true)
})

test('one that another run has taken up since is left to it', async () => {
  const other = newRun()
  const { run, stateDir } = crashed([output(1, 'one'), output(2, 'two')])
  writeFileSync(join(stateDir, 'run-folder'), other.folder)
  await recoverRun(run.folder)
  expect([(await log(run)).printed, existsSync(stateDir)]).toEqual([['one'], true])
})

test('one that it had let go, and has taken up again, is its own', async () => {
  const { run, stateDir } = crashed([output(1, 'one'), output(2, 'two')], { again: true })
  await recoverRun(run.folder)
  expect([(await log(run)).printed, existsSync(stateDir)]).toEqual([['one', 'two'], false])
})

test('of one that it took up, the run is given what came after that', async () => {
  const records = [output(1, 'of'), output(2, 'another'), output(3, 'one'), output(4, 'two')]
  const { run } = crashed(records, { fromSeq: 2, seq: 3 })
  await recoverRun(run.folder)
  expect((await log(run)).printed).toEqual(['one', 'two'])
  const unheard = crashed(records, { fromSeq: 2, seq: null })
  await recoverRun(unheard.run.folder)
  expect((await log(unheard.run)).printed).toEqual(['one', 'two'])
})

test('two at once: one recovers', async () => {
  const { run } = crashed([output(1, 'one'), output(2, 'two')])
  const recoveries = await Promise.all([recoverRun(run.folder), recoverRun(run.folder)])
  expect(recoveries.filter(Boolean)).toHaveLength(1)
  expect((await log(run)).types).toEqual(['notice-add', 'cell-output', 'sandbox-end', 'run-end'])
})

test('what cannot be read now is kept, and saved the next time, without a repeat', async () => {
  const bytes = Buffer.from('large')
  const { run, stateDir } = crashed([output(1, 'one'), output(2, 'two'), blobOf(3, bytes)])
  expect(await recoverRun(run.folder)).toMatchObject({ problems: [expect.stringContaining(sha256Of(bytes))] })
  expect([existsSync(join(stateDir, 'journal.jsonl')), (await log(run)).types]).toEqual([
    true,
    ['notice-add', 'cell-output'],
  ])
  writeFileSync(join(stateDir, 'blobs', sha256Of(bytes)), bytes)
  // While this process lives, the run is its own.
  expect(await recoverRun(run.folder)).toBeUndefined()
  kill(run)
  expect(await recoverRun(run.folder)).toMatchObject({ recovered: 2, problems: [] })
  expect((await log(run)).types).toEqual(['notice-add', 'cell-output', 'cell-output', 'sandbox-end', 'run-end'])
})

test('a run that lives, has ended, or is none is left alone', async () => {
  const run = newRun()
  expect(await recoverRun(run.folder)).toBeUndefined()
  await run.end('completed')
  expect(await recoverRun(run.folder)).toBeUndefined()
  expect(await recoverRun(newFolder())).toBeUndefined()
})

/** With a file that must stay, and the pid of a process that must live. */
function victim() {
  const folder = newFolder()
  const process = spawn('sleep', ['60'])
  writeFileSync(join(folder, 'thesis'), 'years of work')
  writeFileSync(
    join(folder, 'host.json'),
    JSON.stringify({ pid: process.pid, startTime: processStartTime(process.pid!) }),
  )
  return {
    folder,
    isWhole: () => existsSync(join(folder, 'thesis')) && process.exitCode === null && process.signalCode === null,
    [Symbol.dispose]: () => void process.kill(),
  }
}

const FOREIGN: Record<string, (folder: string) => Crash> = {
  'names another state folder': (stateDir) => ({ said: { stateDir } }),
  'names other sockets': (runtimeDir) => ({ said: { runtimeDir } }),
  'names a folder by a way around': (folder) => ({ said: { id: `../../../${folder}`, stateDir: folder } }),
  'names sources elsewhere': (folder) => ({ said: { sources: join(folder, '0'.repeat(32)) } }),
  'names another control group': () => ({ said: { cgroups: ['/sys/fs/cgroup/memory/other'] } }),
  'names a sandbox of which nothing says whose it is': () => ({ owner: null }),
  'names a sandbox of a run that is gone': () => ({ owner: '/where/it/lay/before' }),
}
test.each(Object.entries(FOREIGN))('a log that %s ends and removes nothing; its run has crashed', async (_, crash) => {
  using kept = victim()
  const { run, stateDir } = crashed([output(1, 'one'), output(2, 'two')], crash(kept.folder))
  // As one that was downloaded could have it.
  writeFileSync(join(run.folder, 'run.lock'), 'x')
  expect(await recoverRun(run.folder)).toMatchObject({ problems: [expect.stringContaining('no sandbox of this run')] })
  expect([kept.isWhole(), existsSync(join(stateDir, 'journal.jsonl')), (await log(run)).printed]).toEqual([
    true,
    true,
    ['one'],
  ])
  expect((await log(run)).end).toMatchObject({ type: 'run-end', status: 'crashed' })
})

test('nor where the sandbox’s own folder is a link', async () => {
  using kept = victim()
  const { run, stateDir } = crashed([])
  rmSync(stateDir, { recursive: true })
  writeFileSync(join(kept.folder, 'run-folder'), run.folder)
  symlinkSync(kept.folder, stateDir)
  expect(await recoverRun(run.folder)).toMatchObject({ problems: [expect.stringContaining('no sandbox of this run')] })
  expect(kept.isWhole()).toBe(true)
})

test('where its sandbox is simply gone, a run is marked as crashed', async () => {
  const { run, stateDir } = crashed([])
  rmSync(stateDir, { recursive: true })
  expect(await recoverRun(run.folder)).toMatchObject({ problems: [] })
  expect((await log(run)).end).toMatchObject({ status: 'crashed' })
})

test.each(['results', 'artifacts', 'run.json.part', 'events.jsonl'])(
  'nothing is written through a link: %s',
  async (name) => {
    const { run } = crashed([output(1, 'one'), output(2, 'two')])
    const elsewhere = join(newFolder(), name)
    const path = join(run.folder, name)
    if (existsSync(path)) renameSync(path, elsewhere)
    else writeFileSync(elsewhere, 'mine')
    symlinkSync(elsewhere, path)
    const held = () => (statSync(elsewhere).isFile() ? readFileSync(elsewhere, 'utf8') : readdirSync(elsewhere))
    const before = held()
    await expect(recoverRun(run.folder)).rejects.toMatchObject({ code: 'run-folder-refused' })
    expect(held()).toEqual(before)
  },
)
