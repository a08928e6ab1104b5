import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { blobOf, output, record, sha256Of } from '../../test/fixtures/memory-host.ts'
import { factsOf } from '../../test/fixtures/sandbox-facts.ts'
import { newFolder, newRun } from '../../test/fixtures/memory-run.ts'
import { checkRun } from '../run/check.ts'
import { knownEvents } from '../run/events.ts'
import { readLock } from '../run/lock.ts'
import { readEvents } from '../run/log-reader.ts'
import type { Run } from '../run/run.ts'
import { recoverRun } from './recover.ts'

/** What a process leaves that was killed in mid-cell: a log that ends in the middle of a record, and a host's files. */
function crashed(
  records: readonly object[],
  { fromSeq = 0, seq = 1, again = false }: { fromSeq?: number; seq?: number | null; again?: boolean } = {},
): { run: Run; stateDir: string } {
  const run = newRun()
  const stateDir = newFolder()
  mkdirSync(join(stateDir, 'blobs'))
  writeFileSync(join(stateDir, 'journal.jsonl'), records.map((one) => `${JSON.stringify(one)}\n`).join(''))
  const place = { by: 'agent:x', session: 's1', sandbox: 'sb-1' } as const
  const attach = { id: 'sb-1', stateDir, runtimeDir: join(stateDir, 'run'), python: '/usr/bin/python3', fromSeq }
  const start = {
    type: 'sandbox-start',
    by: 'system',
    sandbox: 'sb-1',
    backend: 'local',
    confinement: 'none',
    environment: 'e',
    workspacePath: '/w',
    attach,
  } as const
  run.emit(start)
  if (again) {
    run.emit({ type: 'sandbox-end', by: 'system', sandbox: 'sb-1', reason: 'detached' })
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
  const { run, stateDir } = crashed([output(1, 'one')])
  const detached = { at: '2026-11-23T12:00:00.000Z', until: '2026-11-23T13:00:00.000Z' }
  writeFileSync(join(stateDir, 'sandbox.json'), JSON.stringify(factsOf(stateDir, 'sb-1', { detached })))
  expect(await recoverRun(run.folder)).toMatchObject({ recovered: 1, problems: [] })
  expect((await log(run)).types).toEqual(['notice-add', 'sandbox-end', 'run-end'])
  expect(existsSync(join(stateDir, 'journal.jsonl'))).toBe(true)
})

test('one that another run has taken up since is left to it; where that run is gone, it is this one’s again', async () => {
  const other = newRun()
  const { run, stateDir } = crashed([output(1, 'one'), output(2, 'two')])
  writeFileSync(join(stateDir, 'run-folder'), other.folder)
  await recoverRun(run.folder)
  expect([(await log(run)).printed, existsSync(stateDir)]).toEqual([['one'], true])
  const moved = crashed([output(1, 'one'), output(2, 'two')])
  writeFileSync(join(moved.stateDir, 'run-folder'), '/where/it/lay/before')
  await recoverRun(moved.run.folder)
  expect([(await log(moved.run)).printed, existsSync(moved.stateDir)]).toEqual([['one', 'two'], false])
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
