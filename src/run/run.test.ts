import { existsSync, readFileSync, rmSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder, newRun, START } from '../../test/fixtures/memory-run.ts'
import { SeerError } from '../errors.ts'
import { readLock } from './lock.ts'
import { readEvents } from './log-reader.ts'
import { Run } from './run.ts'

const notice = { type: 'notice-add', by: 'system', level: 'info', code: 'c', text: 't' } as const
const endOf = async (run: Run) =>
  (await readEvents(join(run.folder, 'events.jsonl'))).events.filter(({ type }) => type === 'run-end')

test('the last event, run.json and the notebook say how it ended, and the lock is gone', async () => {
  const run = newRun()
  await run.end('completed')
  expect(await endOf(run)).toMatchObject([{ status: 'completed' }])
  expect(JSON.parse(readFileSync(join(run.folder, 'run.json'), 'utf8'))).toMatchObject({ status: 'completed' })
  expect(existsSync(join(run.folder, 'notebook.ipynb'))).toBe(true)
  expect(readLock(run.folder)).toBeUndefined()
  await run.end('failed')
  expect(await endOf(run)).toHaveLength(1)
  expect(() => run.emit(notice)).toThrow(expect.objectContaining({ code: 'run-ended' }) as Error)
})

test('what is open is ended first, and may still write', async () => {
  const run = newRun()
  run.beforeEnd(async () => {
    await Promise.resolve()
    run.emit(notice)
  })
  run.beforeEnd(() => Promise.reject(new Error('not this one')))()
  await run.end('completed')
  const { events } = await readEvents(join(run.folder, 'events.jsonl'))
  expect(events.map(({ type }) => type)).toEqual(['run-start', 'notice-add', 'run-end'])
})

test('an error while ending what is open does not keep the log from its end', async () => {
  const run = newRun()
  run.beforeEnd(() => Promise.reject(new Error('stuck')))
  await expect(run.end('completed')).rejects.toThrow('stuck')
  expect(await endOf(run)).toHaveLength(1)
  expect(readLock(run.folder)).toBeUndefined()
})

test('a run whose results could not be written has failed, although the error was caught and "completed" is said', async () => {
  const run = newRun()
  rmSync(join(run.folder, 'results'), { recursive: true })
  // A folder where the table should be: as good as a full disk, also for root.
  mkdirSync(join(run.folder, 'results', 'rows.jsonl'), { recursive: true })
  const events = run.events()
  expect(() => run.emit({ type: 'result-record', by: 'agent:x', table: 'rows', row: { a: 1 } })).toThrow(SeerError)
  expect((await events.next()).value).toMatchObject({ type: 'result-record' })
  await expect(run.end('completed')).rejects.toMatchObject({ code: 'results-write-failed' })
  expect(await endOf(run)).toMatchObject([{ status: 'failed', error: { code: 'results-write-failed' } }])
})

test('endNow writes the end at once, once', async () => {
  const run = newRun()
  run.endNow('failed', new SuppressedError(new Error('cleaning up'), new Error('the cause')))
  run.endNow('completed')
  await run.end('completed')
  expect(await endOf(run)).toMatchObject([{ status: 'failed', error: { message: 'the cause' } }])
  expect(readLock(run.folder)).toBeUndefined()
})

test('a start that fails gives the lock back', () => {
  const folder = newFolder()
  expect(() => Run.create(folder, { ...START, seed: 0.5 })).toThrow(
    expect.objectContaining({ code: 'invalid-event' }) as Error,
  )
  expect(readLock(folder)).toBeUndefined()
})

test('an ended run is not opened again; one that was left is, with its number and cells', async () => {
  const run = newRun()
  run.emit({ type: 'cell-start', by: 'agent:x', session: 's1', cell: 'c1', code: '1', hidden: false })
  run.leave()
  rmSync(join(run.folder, 'run.lock'))
  const again = await Run.reopen(run.folder)
  expect(again.lastSeq).toBe(2)
  expect(again.cells('s1')).toEqual(['c1'])
  await again.end('crashed')
  await expect(Run.reopen(run.folder)).rejects.toMatchObject({ code: 'run-ended' })
  expect(readLock(run.folder)).toBeUndefined()
})
