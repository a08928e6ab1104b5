/** Everything that an agent can write, told on a terminal: nothing of it acts there, and nothing hides or turns what is read. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listRuns } from '../src/cli/list.ts'
import { showRun, type ShowFlags } from '../src/cli/show.ts'
import { collector } from './collector.ts'
import { writeHostileRun } from './fixtures/hostile/hostile-run.ts'
import { PAYLOADS } from './fixtures/hostile/payloads.ts'

let outputDir: string
let run: string

beforeAll(async () => {
  outputDir = mkdtempSync(join(tmpdir(), 'seer-terminal-'))
  run = await writeHostileRun(outputDir, '2026-01-01-\u{1b}]0;owned\u{7}\u{202e}', PAYLOADS)
})
afterAll(() => rmSync(outputDir, { recursive: true, force: true }))

/** Colours are Seer's own: a payload's are taken out. */
const ESC = '\u{1b}'
const COLOURS = new RegExp(`${ESC}\\[[0-9;]*m`, 'g')
// Joiners are left where a script needs them; nothing here is of such a script.
const ACTS = /.{0,30}([^\P{Cc}\n\t]|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]).{0,20}/gu

const actsIn = (text: string) => (text.replaceAll(COLOURS, '').match(ACTS) ?? []).map((found) => JSON.stringify(found))

describe.each([true, false])('with colour: %s', (color) => {
  test.each<[string, ShowFlags]>([
    ['show', {}],
    ['show --check', { check: true }],
    ['show --prompt', { prompt: true }],
    ['show --cell', { cell: 'c70' }],
    ['show --output', { output: 'c70' }],
  ])('%s', async (_, flags) => {
    const out = collector()
    await showRun(run, { ...flags, out, color })
    expect(out.text.length).toBeGreaterThan(50)
    expect(actsIn(out.text)).toEqual([])
  })

  test('list', async () => {
    const out = collector()
    await listRuns(outputDir, { out, color })
    expect(out.text).toContain('2026-01-01')
    expect(actsIn(out.text)).toEqual([])
  })
})

test.each<[string, ShowFlags]>([
  ['show', { json: true }],
  ['show --check', { json: true, check: true }],
])('%s --json is JSON, whose controls are escapes', async (_, flags) => {
  const out = collector()
  await showRun(run, { ...flags, out })
  for (const line of out.text.trimEnd().split('\n')) JSON.parse(line)
  expect(out.text).not.toMatch(/[^\P{Cc}\n]/u)
})

test('the check would notice', () => expect(actsIn('a\u{1b}[2Jb \u{202e}')).toHaveLength(1))
