import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { stampAll } from '../../test/generate-log.ts'
import type { EventInput } from './events.ts'
import { notebookOf } from './fold-notebook.ts'
import { openNotebookWriter } from './notebook-writer.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = temporaryFolder('seer-nb-')
  path = join(folder, 'notebook.ipynb')
})

const noBlobs = () => {
  throw new Error('no such file')
}
const cell = (n: number, text = 'x'): EventInput[] => {
  const place = { by: 'agent:main' as const, session: 's', cell: `c${n}` }
  return [
    { type: 'cell-start', ...place, code: `print(${n})`, hidden: false },
    { type: 'cell-output', ...place, output: { output_type: 'stream', name: 'stdout', text } },
    { type: 'cell-end', ...place, status: 'ok', executionCount: n, durationMs: 1 },
  ]
}
const cells = (count: number, text?: string) =>
  stampAll(Array.from({ length: count }, (_, i) => cell(i + 1, text)).flat())
const read = () => JSON.parse(readFileSync(path, 'utf8')) as unknown

test('what is written at the end is the fold, and nothing else is left in the folder', async () => {
  const writer = openNotebookWriter(path, { readBlob: noBlobs })
  for (const event of cells(5)) writer.push(event)
  await writer.close()
  await writer.close()
  expect(read()).toEqual(JSON.parse(JSON.stringify(notebookOf(writer.state))))
  expect(readdirSync(folder)).toEqual(['notebook.ipynb'])
})

test('it can be read while the run goes on, and is whole each time', async () => {
  const writer = openNotebookWriter(path, { readBlob: noBlobs, everyMs: 20 })
  const seen = new Set<number>()
  for (const event of cells(60, 'y'.repeat(2000))) {
    writer.push(event)
    await sleep(5)
    if (statSync(path, { throwIfNoEntry: false })) seen.add((read() as { cells: unknown[] }).cells.length)
  }
  await writer.close()
  expect(seen.size).toBeGreaterThan(3)
  expect((read() as { cells: unknown[] }).cells).toHaveLength(62)
})

test('cells that have not changed are written from what was kept, and those that have are not', async () => {
  const writer = openNotebookWriter(path, { readBlob: noBlobs, everyMs: 0 })
  const events = stampAll([
    ...cell(1),
    ...cell(2),
    { ...cell(1)[1]!, output: { output_type: 'stream', name: 'stdout', text: ' late' } } as EventInput,
  ])
  for (const event of events.slice(0, 6)) writer.push(event)
  while (!statSync(path, { throwIfNoEntry: false })) await sleep(5)
  writer.push(events[6]!)
  await writer.close()
  expect(read()).toEqual(JSON.parse(JSON.stringify(notebookOf(writer.state))))
  expect(readFileSync(path, 'utf8')).toMatch(/came after the cell had ended[^]* late/)
})

test('not more often than asked', async () => {
  const writer = openNotebookWriter(path, { readBlob: noBlobs, everyMs: 10_000 })
  const events = cells(2)
  for (const event of events.slice(0, 3)) writer.push(event)
  while (!statSync(path, { throwIfNoEntry: false })) await sleep(5)
  const first = statSync(path).mtimeMs
  for (const event of events.slice(3)) writer.push(event)
  await sleep(200)
  expect(statSync(path).mtimeMs).toBe(first)
  await writer.close()
  expect((read() as { cells: unknown[] }).cells).toHaveLength(4)
})

test('a write that fails is told of once, and only the last one is an error', async () => {
  const problems: string[] = []
  mkdirSync(path)
  const writer = openNotebookWriter(path, {
    readBlob: noBlobs,
    everyMs: 1,
    onProblem: (problem) => problems.push(problem),
  })
  for (const event of cells(3)) {
    writer.push(event)
    await sleep(20)
  }
  expect(problems).toHaveLength(1)
  await expect(writer.close()).rejects.toMatchObject({ code: 'notebook-write-failed' })
  expect(readdirSync(folder)).toEqual(['notebook.ipynb'])
})

test('a failure that passes leaves a whole notebook', async () => {
  mkdirSync(path)
  const writer = openNotebookWriter(path, { readBlob: noBlobs, everyMs: 1 })
  for (const event of cells(3)) writer.push(event)
  while (writer.problem === undefined) await sleep(5)
  rmSync(path, { recursive: true })
  await writer.close()
  expect((read() as { cells: unknown[] }).cells).toHaveLength(5)
})

test('a process that cannot wait writes it all the same', () => {
  const writer = openNotebookWriter(path, { readBlob: noBlobs })
  for (const event of cells(2)) writer.push(event)
  writer.closeNow()
  expect((read() as { cells: unknown[] }).cells).toHaveLength(4)
})

test('the event loop is never held for long', async () => {
  const writer = openNotebookWriter(path, { readBlob: noBlobs, everyMs: 0 })
  for (const event of cells(300, 'z'.repeat(100_000))) writer.push(event)
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  await writer.close()
  clearInterval(timer)
  expect(statSync(path).size).toBeGreaterThan(30_000_000)
  expect(longest).toBeLessThan(250)
})

test('at rest nothing is being written, and nothing is until the last write', async () => {
  const writer = openNotebookWriter(path, { readBlob: noBlobs, everyMs: 0 })
  const beside = () => readdirSync(folder).filter((name) => name !== 'notebook.ipynb')
  const before = cells(200, 'z'.repeat(20_000))
  for (const event of before) writer.push(event)
  while (beside().length === 0) await sleep(0)
  await writer.rest()
  expect(beside()).toEqual([])
  const then = readFileSync(path)
  for (const event of cells(201).slice(before.length)) writer.push(event)
  await sleep(50)
  expect(readFileSync(path).equals(then)).toBe(true)
  await writer.close()
  expect(readFileSync(path).equals(then)).toBe(false)
})
