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
    [
      'run',
      experiment,
      '--provider',
      'claude',
      '--record',
      recording,
      '--blind',
      '--answered-by',
      'a scripted agent',
      '--output-dir',
      place.outputs,
    ],
    { env: { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url } },
  ).ended
  if (recorded.code !== 0) throw new Error(`no recording was made: ${recorded.stderr}`)
})
afterAll(() => place[Symbol.asyncDispose]())

const play = (file: string, folder: string, ...args: string[]): Promise<Ended> =>
  place.seer(['run', folder, '--provider', 'recorded', '--recording', file, '--output-dir', place.outputs, ...args])
    .ended

/** The recording as if it had been made for something else. */
function editedFor(name: string, change: Partial<Trajectory['madeFor']>): string {
  const trajectory = JSON.parse(readFileSync(recording, 'utf8')) as Trajectory
  const file = join(place.root, `${name}.json`)
  writeFileSync(file, JSON.stringify({ ...trajectory, madeFor: { ...trajectory.madeFor, ...change } }))
  return file
}

test('played: its code runs now, its words are labelled in terminal, notebook and log, its drift is told', async () => {
  const ended = await play(recording, experiment)
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const [first, second, ...rest] = ended.stdout.split('\n')
  expect(`${first} ${second}`).toMatch(
    /^Agent: RECORDED on \d{4}-\d\d-\d\d — a scripted agent; it had not seen the answer\. Its code runs now/,
  )
  expect(rest.join('\n')).toMatch(/^agent +recorded/m)
  expect(ended.stdout).toMatch(
    /recorded against fresh output · 5 outputs[^\n]*\n {2}4 exact · 1 differs\n {2}c4 +differs .*\n {2}both on torch/,
  )

  const folder = /^log +(.+)\/events\.jsonl$/m.exec(ended.stdout)?.[1]
  expect(folder).toBeDefined()
  const log = await logOf(join(place.root, folder!))
  expect(log.status).toBe('completed')
  expect(log.of('agent-start')).toMatchObject([
    {
      provider: 'recorded',
      recorded: { provider: 'claude', model: 'claude-as-named-by-the-api', knewTruth: false, note: 'a scripted agent' },
    },
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
  const copyWith = (name: string, file: string, text: string): string => {
    const folder = place.copyExperiment(name)
    writeFileSync(join(folder, file), text)
    return folder
  }
  type Row = readonly [what: string, start: () => Promise<Ended>, message: RegExp, when: 'at once' | 'with its sandbox']

  test.each<Row>([
    [
      'param',
      () => play(recording, experiment, '--json', '--set', 'word=torch'),
      /param word: "lamp" → "torch"/,
      'at once',
    ],
    ['profile', () => play(recording, experiment, '--json', '--profile', 'second'), /param count: 2 → 3/, 'at once'],
    [
      'task',
      () => play(recording, copyWith('task', 'task.md', 'Say what a {{word}} is not, {{count}} times.\n'), '--json'),
      /task text, line \d+: "Say what a lamp is, 2 times\." → "Say what a lamp is not, 2 times\."/,
      'at once',
    ],
    [
      'task that is a part of the recorded one',
      () => play(recording, copyWith('part', 'task.md', 'Say what a {{word}} is'), '--json'),
      /task text, line \d+: "Say what a lamp is, 2 times\." → "Say what a lamp is"/,
      'with its sandbox',
    ],
    [
      'library',
      () => play(recording, copyWith('library', 'lamps.py', 'def lamps(n):\n    return "LAMP " * n\n'), '--json'),
      /library lamps: other content \(sha256 \w{12} → \w{12}\)/,
      'with its sandbox',
    ],
    [
      'set of tools',
      () => play(editedFor('tools', { toolsVersion: '0123456789abcdef' }), experiment, '--json'),
      /tools: .* have changed \(version 0123456789abcdef → \w{16}\)/,
      'with its sandbox',
    ],
    [
      'subject',
      () => {
        const models = [{ name: 'SmolLM2-135M-Instruct', weightsSha256: '0'.repeat(64) }]
        const params = { word: 'lamp', count: 2, model: true }
        return play(editedFor('weights', { models, params }), experiment, '--json', '--set', 'model=true')
      },
      /subject model SmolLM2-135M-Instruct: other weights \(sha256 000000000000 → \w{12}\)/,
      'with its sandbox',
    ],
  ])('another %s', async (_, start, message, when) => {
    const ended = await start()
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr).toContain('made for something else')
    expect(ended.stderr).not.toMatch(/^\s+at /m)
    expect(ended.code).toBe(STALE)
    const lines = ended.stdout.split('\n').filter(Boolean)
    expect(lines).toHaveLength(1)
    const told = JSON.parse(lines[0]!) as { status?: string; cells?: number; error: { code: string } }
    expect(told.error.code).toBe('recording-stale')
    expect([told.status, told.cells]).toEqual(when === 'at once' ? [undefined, undefined] : ['failed', 0])
    expect(place.processes()).toEqual([])
    expect(place.sandboxes()).toEqual([])
  })

  test('a prompt that was edited in the file', async () => {
    const { prompt } = (JSON.parse(readFileSync(recording, 'utf8')) as Trajectory).madeFor
    const file = editedFor('prompt', { prompt: `${prompt} And quickly.` })
    const ended = await play(file, experiment, '--json')
    expect(ended.stderr).toMatch(/prompt does not have the hash/)
    expect(ended.code).toBe(2)
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'recording-unreadable' } })
  })
})
