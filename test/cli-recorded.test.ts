/** A recording is made, played, labelled, and refused where it was made for something else. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Trajectory } from '../src/harness/trajectory.ts'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, type Ended, type Place } from './fixtures/place.ts'
import { logOf, notebookOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const STALE = 4
let place: Place
let experiment: string
let recording: string

beforeAll(async () => {
  place = newPlace()
  experiment = place.copyExperiment()
  recording = join(place.root, 'recording.json')
  await using api = await loopbackMessages(
    script(
      cell('import lamps\nprint(lamps.lamps(3), 1 / 3)'),
      cell('import time\nprint(time.time_ns())'),
      ['add_markdown', { text: 'A lamp gives light.' }],
      cell('raise ValueError("on purpose")'),
    ),
  )
  const recorded = await place.seer(
    ['run', experiment, '--provider', 'claude', '--record', recording, '--blind', '--answered-by', 'a scripted agent', '--output-dir', place.outputs],
    { env: { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url } },
  ).ended
  expect(recorded).toMatchObject({ code: 0, stderr: '' })
  expect(recorded.stdout).toContain('recording.json')
})
afterAll(() => place[Symbol.asyncDispose]())

const play = (file: string, folder: string, ...args: string[]): Promise<Ended> =>
  place.seer(['run', folder, '--provider', 'recorded', '--recording', file, '--output-dir', place.outputs, ...args]).ended

function edited(name: string, change: (trajectory: Trajectory) => unknown): string {
  const trajectory = JSON.parse(readFileSync(recording, 'utf8')) as Trajectory
  const file = join(place.root, `${name}.json`)
  writeFileSync(file, JSON.stringify(change(trajectory)))
  return file
}

const withMadeFor = (trajectory: Trajectory, change: Partial<Trajectory['madeFor']>) => ({
  ...trajectory,
  madeFor: { ...trajectory.madeFor, ...change },
})

test('played: its code runs now, its words are labelled in terminal, notebook and log, its drift is told', async () => {
  const ended = await play(recording, experiment)
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const label = /claude-as-named-by-the-api \(a scripted agent\) on \d{4}-\d\d-\d\d, knew the truth: no/
  const [first, ...rest] = ended.stdout.split('\n')
  expect(first).toMatch(/^Provider: recorded/)
  expect(first).toMatch(label)
  expect(rest.join('\n')).toMatch(/^agent +recorded/m)
  expect(ended.stdout).toMatch(/5 cells: 4 exact, 0 within 0\.0001, 1 differ, 0 missing/)
  expect(ended.stdout).toMatch(/^\* c4 +differs/m)
  expect(ended.stdout).toMatch(/^ {2}c3 +exact/m)
  expect(ended.stdout).toMatch(/torch.*\n.*ISA.*\n.*threads/)

  const folder = /^log +(.+)\/events\.jsonl$/m.exec(ended.stdout)?.[1]
  expect(folder).toBeDefined()
  const log = await logOf(join(place.root, folder!))
  expect(log.status).toBe('completed')
  expect(log.of('agent-start')).toMatchObject([
    { provider: 'recorded', recorded: { provider: 'claude', model: 'claude-as-named-by-the-api', knewTruth: false, note: 'a scripted agent' } },
  ])
  expect(log.of('drift-report')[0]?.cells.map(({ cell: id, verdict }) => [id, verdict])).toEqual([
    ['c1', 'exact'],
    ['c2', 'exact'],
    ['c3', 'exact'],
    ['c4', 'differs'],
    ['c6', 'exact'],
  ])
  expect(log.printed('c3')).toBe('lamp lamp lamp  0.3333333333333333\n')
  const about = notebookOf(join(place.root, folder!)).cells[0]
  expect(about?.cell_type).toBe('markdown')
  expect(String(about?.source)).toMatch(/record/i)
  expect(String(about?.source)).toContain('claude-as-named-by-the-api')
})

test('a recording cannot be recorded', async () => {
  const ended = await play(recording, experiment, '--record', join(place.root, 'again.json'))
  expect(ended.code).toBe(2)
  expect(ended.stderr).toContain('A played recording cannot be recorded.')
})

describe('refused, with the difference named', () => {
  async function expectRefused(ended: Ended, message: RegExp, ranCells: boolean): Promise<void> {
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr).toContain('made for something else')
    expect(ended.stderr).not.toMatch(/^\s+at /m)
    expect(ended.code).toBe(STALE)
    const last = ended.stdout.trim().split('\n').at(-1)!
    if (!ranCells) return expect(ended.stdout).toBe('')
    expect(JSON.parse(last)).toMatchObject({ status: 'failed', cells: 0 })
    expect(place.processes()).toEqual([])
    expect(place.sandboxes()).toEqual([])
  }

  test('another param', async () => {
    await expectRefused(await play(recording, experiment, '--json', '--set', 'word=torch'), /param word: "lamp" → "torch"/, false)
  })

  test('another profile with other params', async () => {
    await expectRefused(await play(recording, experiment, '--json', '--profile', 'second'), /param count: 2 → 3/, false)
  })

  test('another task', async () => {
    const folder = place.copyExperiment('another task')
    writeFileSync(join(folder, 'task.md'), 'Say what a {{word}} is not, {{count}} times.\n')
    await expectRefused(await play(recording, folder, '--json'), /task text, line \d+: \\?"Say what a lamp is, 2 times\.\\?" → \\?"Say what a lamp is not, 2 times\./, false)
  })

  test('a task that is a part of the recorded one', async () => {
    const folder = place.copyExperiment('a shorter task')
    writeFileSync(join(folder, 'task.md'), 'Say what a {{word}} is')
    const ended = await play(recording, folder, '--json')
    expect(ended.code).toBe(STALE)
    expect(ended.stderr).toMatch(/task text, line \d+/)
  })

  test('another library', async () => {
    const folder = place.copyExperiment('another library')
    writeFileSync(join(folder, 'lamps.py'), 'def lamps(count: int) -> str:\n    return "LAMP " * count\n')
    await expectRefused(await play(recording, folder, '--json'), /library lamps: other content \(sha256 \w{12} → \w{12}\)/, true)
  })

  test('other tools', async () => {
    const file = edited('tools', (trajectory) => withMadeFor(trajectory, { toolsVersion: '0123456789abcdef' }))
    await expectRefused(await play(file, experiment, '--json'), /tools: .* have changed \(version 0123456789abcdef → \w{16}\)/, true)
  })

  test('other weights', async () => {
    const models = [{ name: 'SmolLM2-135M-Instruct', weightsSha256: '0'.repeat(64) }]
    const file = edited('weights', (trajectory) => withMadeFor(trajectory, { models, params: { ...trajectory.madeFor.params, model: true } }))
    await expectRefused(
      await play(file, experiment, '--json', '--set', 'model=true'),
      /subject model SmolLM2-135M-Instruct: other weights \(sha256 000000000000 → \w{12}\)/,
      true,
    )
  })

  test('a prompt that was edited in the file', async () => {
    const file = edited('prompt', (trajectory) => withMadeFor(trajectory, { prompt: `${trajectory.madeFor.prompt} And quickly.` }))
    const ended = await play(file, experiment, '--json')
    expect(ended.stderr).toMatch(/prompt does not have the hash/)
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 2, stdout: '' })
  })
})
