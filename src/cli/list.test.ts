import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collector } from '../../test/collector.ts'
import { writeSampleRun } from '../../test/sample-run.ts'
import { listRuns, readRuns } from './list.ts'

let root: string
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'seer list-'))))
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function list(folder: string, json = false, columns = 80) {
  const out = collector(columns)
  const code = await listRuns(folder, { json, out, color: false })
  return { code, lines: out.text.trimEnd().split('\n') }
}

test('no runs: says how to make one', async () => {
  expect((await list(join(root, 'none'))).lines.join(' ')).toMatch(/no runs in .*seer run sandbox-intro/)
  expect((await list(join(root, 'none'), true)).lines).toEqual([''])
})

test('newest first, with what each is; a crashed and a broken one are told as such', async () => {
  const outputs = join(root, 'some')
  const first = await writeSampleRun(outputs, { experiment: 'first' })
  const open = await writeSampleRun(outputs, { experiment: 'open', recorded: false, status: null })
  const crashed = await writeSampleRun(outputs, { experiment: 'crashed', status: null })
  const lock = join(crashed, 'run.lock')
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(/"startTime":"\d+"/, '"startTime":"1"'))
  mkdirSync(join(outputs, 'broken'))
  writeFileSync(join(outputs, 'broken', 'events.jsonl'), 'nothing\n')
  mkdirSync(join(outputs, 'no-log'))
  writeFileSync(join(outputs, 'no-log', 'run.json'), '{}')
  mkdirSync(join(outputs, 'not-a-run'))

  const runs = await readRuns(outputs)
  expect(runs.map(({ experiment, status }) => [experiment, status])).toEqual([
    ['crashed', 'crashed'],
    ['open', 'running'],
    ['first', 'completed'],
    [null, 'broken'],
    [null, 'broken'],
  ])
  const { lines, code } = await list(outputs)
  expect(code).toBe(0)
  expect(lines.find((line) => line.includes('-first-'))).toMatch(/completed +[\d.]+s +recorded +6 cells, 1 error$/)
  expect(lines.find((line) => line.includes('-open-'))).toMatch(/running +for \d.* +claude +6 cells, 1 error$/)
  expect(lines).toContainEqual(expect.stringMatching(/^ {4}claim: The model has 30 transformer blocks/))
  expect(lines).toContainEqual('    broken: its log has no start')
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)

  const json = (await list(outputs, true)).lines.map((line) => JSON.parse(line) as { run: string; folder: string })
  expect(json).toHaveLength(5)
  expect(json[2]).toMatchObject({
    folder: first,
    status: 'completed',
    recorded: true,
    cells: 6,
    errors: 1,
    findings: 1,
  })
  expect(json[1]).toMatchObject({ folder: open, recorded: false })
})

test('a failed run says why; on a narrow terminal nothing is cut', async () => {
  const outputs = join(root, 'failed')
  await writeSampleRun(outputs, { experiment: 'an-experiment-with-a-long-name', status: 'failed' })
  for (const columns of [60, 80]) {
    const { lines } = await list(outputs, false, columns)
    expect(lines[0]).toMatch(/^\S+-an-experiment-with-a-long-name-\w{4}$/)
    expect(lines[1]).toMatch(/^ {2}failed {2}[\d.]+s {2}recorded {2}6 cells, 1 error$/)
    expect(lines[2]).toMatch(/^ {4}failed: [\w-]+: the disk of the sandbox is full/)
  }
})

test('200 runs with long logs are listed from their run.json', async () => {
  const outputs = join(root, 'many')
  const one = await writeSampleRun(outputs)
  const start = readFileSync(join(one, 'events.jsonl'), 'utf8')
  writeFileSync(join(one, 'events.jsonl'), 'x\n'.repeat(200_000) + start)
  for (let n = 1; n < 200; n++) cpSync(one, join(outputs, `run-${n}`), { recursive: true })
  const startedAt = performance.now()
  const runs = await readRuns(outputs)
  expect(performance.now() - startedAt).toBeLessThan(3000)
  expect(runs).toHaveLength(200)
  expect(
    runs.every(({ status, cells, claim }) => status === 'completed' && cells === 6 && claim?.startsWith('The model')),
  ).toBe(true)
})
