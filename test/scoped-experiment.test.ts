/** `seer run scoped-sandbox` from its recordings, and `seer serve`, as a user starts them. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { readEvents } from '../src/run/log-reader.ts'
import type { RunEvent } from '../src/run/events.ts'
import { newFolder } from './fixtures/memory-run.ts'

const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)

async function seer(...args: string[]): Promise<string> {
  const argv = ['--conditions=seer-source', join(root, 'src/cli/main.ts'), ...args]
  return (await run(process.execPath, argv, { cwd: root, maxBuffer: 64 * 1024 ** 2 })).stdout
}

async function played(profile: string) {
  const outputDir = newFolder()
  const json = await seer('run', 'scoped-sandbox', '--profile', profile, '--json', '--output-dir', outputDir)
  const { folder, status } = JSON.parse(json.trim().split('\n').at(-1)!) as { folder: string; status: string }
  expect(status).toBe('completed')
  const events = (await readEvents(join(folder, 'events.jsonl'))).events as RunEvent[]
  const drift = events.find((event) => event.type === 'drift-report')!
  const verdicts = drift.type === 'drift-report' ? drift.cells.map(({ verdict }) => verdict) : []
  expect(new Set(verdicts)).toEqual(new Set(['exact']))
  const calls = events.filter((event) => event.type === 'call-start')
  const check = await seer('show', folder, '--check')
  expect(check).toMatch(/agree|no problems/i)
  return { folder, events, calls, verdicts, story: await seer('show', folder) }
}

test('as a library, played from its recording', async () => {
  const { folder, calls, story } = await played('embedded')
  expect(calls.length).toBeGreaterThan(30)
  expect(new Set(calls.map((event) => event.by))).toEqual(new Set(['agent:investigator']))
  expect(
    calls.every((event) => event.type === 'call-start' && event.from === 'library' && event.cell !== undefined),
  ).toBe(true)
  expect(story).toContain('model_tools.get_model_info({})')
  const report = readFileSync(join(folder, 'report.html'), 'utf8')
  expect(report).toContain('model_tools.compare_embeddings')
  // What the agent was told names no folder of this machine.
  expect(readFileSync(join(folder, 'events.jsonl'), 'utf8')).not.toContain(
    `${root}/experiments/scoped-sandbox/libraries`,
  )
})

test('as tools, played from its recording: the evidence is calls', async () => {
  const { calls, verdicts, events, story } = await played('mcp')
  expect(verdicts).toHaveLength(calls.length)
  expect(
    calls.every((event) => event.type === 'call-start' && event.from === 'tool' && event.session === undefined),
  ).toBe(true)
  const finding = events.find((event) => event.type === 'finding-submit')
  expect(finding).toMatchObject({ finding: { cells: [], calls: expect.arrayContaining(['f1', 'f12']) as string[] } })
  expect(story).toContain('compare_embeddings')
})

test('seer serve: says what a file offers, and makes a call by hand', async () => {
  const file = join(root, 'test/fixtures/interfaces/kit.py')
  const made = await seer('serve', file, '--output-dir', newFolder(), '--call', 'add {"a": 1, "scale": 2.5}')
  expect(made.trim()).toBe('7.5')
  const failed = seer('serve', file, '--output-dir', newFolder(), '--call', 'fails {"text": "x"}')
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('raised: ValueError: no: x') as string,
  })
  await expect(seer('serve', 'missing.py', '--output-dir', newFolder())).rejects.toMatchObject({
    stderr: expect.stringContaining('missing.py cannot be read') as string,
  })
})
