import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { writeSampleRun } from '../../test/sample-run.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { START } from '../../test/fixtures/memory-run.ts'
import { Run } from '../run/run.ts'
import { openRunList } from './run-list.ts'

let outputDir: string
beforeEach(() => {
  outputDir = temporaryFolder('seer-list-')
})

test('a folder without runs, and one that is not there', async () => {
  expect(await openRunList(outputDir).read()).toEqual([])
  expect(await openRunList(join(outputDir, 'later')).read()).toEqual([])
})

test('living runs first, then the newest; each with its facts', async () => {
  const list = openRunList(outputDir)
  const ended = await writeSampleRun(outputDir)
  const failed = await writeSampleRun(outputDir, { status: 'failed' })
  const living = Run.create(join(outputDir, '2020-01-01-old-aaaa'), { ...START, budgetUsd: 2 })
  const crashed = join(outputDir, '2020-01-01-crashed-bbbb')
  mkdirSync(crashed)
  writeFileSync(join(crashed, 'events.jsonl'), readFileSync(join(living.folder, 'events.jsonl')))
  const runs = await list.read()
  expect(runs.map(({ id, status, live }) => [id, status, live])).toEqual([
    [living.id, 'running', true],
    [basename(crashed), 'crashed', false],
    [basename(failed), 'failed', false],
    [basename(ended), 'completed', false],
  ])
  expect(runs[0]).toMatchObject({ experiment: 'test', budgetUsd: 2, costUsd: 0, confinement: 'none', recorded: false })
  expect(runs[0]!.durationMs).toBeGreaterThanOrEqual(0)
  expect(runs[3]).toMatchObject({ recorded: true, findings: 1, experiment: 'sandbox-intro' })
  expect(runs[3]!.cells.started).toBeGreaterThan(3)

  living.emit({ type: 'cell-start', by: 'agent:main', session: 's1', cell: 'c1', code: '1', hidden: false })
  expect((await list.read())[0]).toMatchObject({ cells: { started: 1, running: 1 } })
  await living.end('completed')
  rmSync(failed, { recursive: true })
  expect((await list.read()).map(({ id, status }) => [id, status])).toEqual([
    [living.id, 'completed'],
    [basename(crashed), 'crashed'],
    [basename(ended), 'completed'],
  ])
})

test('an ended run is not read again, and read again when it has changed', async () => {
  const folder = await writeSampleRun(outputDir)
  const list = openRunList(outputDir)
  const [before] = await list.read()
  const path = join(folder, 'run.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"findings": 1', '"findings": 7'))
  utimesSync(path, new Date(1e9), new Date(1e9))
  expect((await list.read())[0]).toEqual({ ...before, findings: 7 })
})

test.each<[string, (folder: string) => void]>([
  ['an empty log', (folder) => writeFileSync(join(folder, 'events.jsonl'), '')],
  ['rubbish', (folder) => writeFileSync(join(folder, 'events.jsonl'), '{}\nrubbish\n[')],
])('%s is listed as broken', async (_, write) => {
  const folder = join(outputDir, 'x')
  mkdirSync(folder)
  write(folder)
  expect(await openRunList(outputDir).read()).toMatchObject([{ id: 'x', status: 'broken', live: false }])
})

test('a run.json that was damaged, or says what the log does not know yet, is made up for by the log', async () => {
  const folder = await writeSampleRun(outputDir)
  writeFileSync(join(folder, 'run.json'), '{"status": "compl')
  expect(await openRunList(outputDir).read()).toMatchObject([{ status: 'completed', findings: 1 }])
})

test('what is no run is not listed', async () => {
  mkdirSync(join(outputDir, 'notes'))
  mkdirSync(join(outputDir, 'odd/events.jsonl'), { recursive: true })
  writeFileSync(join(outputDir, 'file'), '')
  symlinkSync('nowhere', join(outputDir, 'dangling'))
  expect(await openRunList(outputDir).read()).toEqual([])
})

test('two that ask at once get one look, and a log that took another’s place is read anew', async () => {
  const folder = join(outputDir, 'x')
  mkdirSync(folder)
  const path = join(folder, 'events.jsonl')
  const run = Run.create(join(outputDir, 'y'), START)
  const log = readFileSync(join(run.folder, 'events.jsonl'), 'utf8')
  await run.end('completed')
  writeFileSync(path, log)
  const list = openRunList(outputDir)
  const [one, two] = await Promise.all([list.read(), list.read()])
  expect(one).toBe(two)
  writeFileSync(`${path}.new`, log.replace('"experiment":"test"', '"experiment":"other"'))
  renameSync(`${path}.new`, path)
  const again = await list.read()
  expect(again.find(({ id }) => id === 'x')).toMatchObject({ experiment: 'other' })
})
