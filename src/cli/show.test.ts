import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SAMPLE_START, writeSampleRun } from '../../test/sample-run.ts'
import { collector } from '../../test/collector.ts'
import type { SeerError } from '../errors.ts'
import type { Output } from '../notebook/nbformat.ts'
import { newRunFolder } from '../run/paths.ts'
import { Run } from '../run/run.ts'
import { showRun, type ShowOptions } from './show.ts'

let root: string
let folder: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'seer show é-'))
  folder = await writeSampleRun(root)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function show(run: string, options: ShowOptions = {}, columns = 80) {
  const out = collector(columns)
  const code = await showRun(run, { ...options, out, color: false })
  return { code, text: out.text, lines: out.text.trimEnd().split('\n') }
}

test('tells what the run was, what happened, and what came of it, in this order', async () => {
  const { code, text } = await show(folder, {}, 120)
  expect(code).toBe(0)
  const inOrder = [
    'completed',
    'experiment   sandbox-intro, profile embedded',
    'words = ["lightning"," lightning"]',
    'RECORDED on 2026-11-20 — ',
    'it had not seen the answer',
    'Q4_1 GGUF, dequantised to float32, weights a672150fb4f9…',
    'not confined',
    '6 run, 5 ok, 1 failed, 1 replaced, plus 1 set-up cell',
    'what happened',
    'c3 ▸ config = model.config',
    '[figure 640×480 PNG',
    'findings',
    'claim of explorer',
    'recorded against fresh output',
    'results',
    '→ results/answers.jsonl',
    'norms.csv  17 bytes',
    'files',
  ]
  let at = -1
  for (const part of inOrder) {
    const next = text.indexOf(part, at + 1)
    expect({ part, isAfter: next > at }).toEqual({ part, isAfter: true })
    at = next
  }
  expect(text).not.toContain('problems')
})

test('--json is JSON and nothing else, and its last line is one for scripts', async () => {
  const { lines } = await show(folder, { json: true })
  expect(lines).toHaveLength(2)
  const document = JSON.parse(lines[0]!) as Record<string, unknown>
  expect(document).toMatchObject({
    status: 'completed',
    params: { maxNewTokens: 40 },
    tables: [{ table: 'answers', rows: 2 }],
    savedLater: null,
    problems: [],
  })
  expect(document['findings']).toHaveLength(1)
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({
    run: document['run'],
    folder,
    status: 'completed',
    cells: 6,
    errors: 1,
    findings: 1,
  })
})

test('--output gives all of one cell, and nothing in it acts', async () => {
  const { text } = await show(folder, { output: 'c5' })
  expect(text.split('\n').filter((line) => line.startsWith('layer '))).toHaveLength(300)
  const { text: evil } = await show(folder, { output: 'c7' })
  expect(evil).toMatch(/^completed after 0.1 s\n/)
  expect(evil).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
  await expect(show(folder, { output: 'c2' })).rejects.toMatchObject({
    code: 'cell-is-text',
    hint: expect.stringMatching(/ --cell c2 /),
  })
  const error = (await show(folder, { output: 'c55' }).catch((thrown: unknown) => thrown)) as SeerError
  expect(error).toMatchObject({ code: 'unknown-cell', message: expect.stringContaining('did you mean "c5"?') })
})

test('--cell gives the whole code or text of a cell, --prompt what the agent was told', async () => {
  const text = (await show(folder, { cell: 'c2' })).text
  expect(text).toMatch(/^## /)
  const { lines } = await show(folder, { cell: 'c3', json: true })
  expect(JSON.parse(lines[0]!)).toMatchObject({ cell: 'c3', kind: 'code', source: expect.stringContaining('\n') })
  expect((await show(folder, { cell: 'c3' })).text).toMatch(/^config = model.config\n/)
  const { source } = JSON.parse((await show(folder, { prompt: true, json: true })).text) as { source?: string }
  expect(source).toBeUndefined()
  expect((await show(folder, { prompt: true })).text.length).toBeGreaterThan(10)
})

test('--check passes for a run that is whole, and names what is wrong with one that is not', async () => {
  expect(await show(folder, { check: true })).toMatchObject({
    code: 0,
    text: expect.stringContaining('agree with each other'),
  })
  const damaged = await writeSampleRun(root)
  const [artifact] = readdirSync(join(damaged, 'artifacts'))
  rmSync(join(damaged, 'artifacts', artifact!))
  const { code, text } = await show(damaged, { check: true }, 200)
  expect(code).toBe(1)
  expect(text).toContain(`artifacts/${artifact}`)
  const { lines } = await show(damaged, { check: true, json: true })
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ status: 'completed', problems: expect.any(Number) })
})

test('a torn log, a damaged line, an event of the future and missing files are problems beside the story', async () => {
  const damaged = await writeSampleRun(root)
  const log = join(damaged, 'events.jsonl')
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  lines[20] = '{"broken'
  const last = JSON.parse(lines.at(-1)!) as { seq: number }
  const future = { ...last, seq: last.seq + 1, type: 'future-thing', anything: 1 }
  writeFileSync(log, `${lines.join('\n')}\n${JSON.stringify(future)}\n{"seq": 9`)
  for (const name of readdirSync(join(damaged, 'artifacts'))) rmSync(join(damaged, 'artifacts', name))
  rmSync(join(damaged, 'results', 'steering.json'))
  const { code, text } = await show(damaged, {}, 140)
  expect(code).toBe(0)
  expect(text).toContain('c8 ▸ for question')
  expect(text).toMatch(/^.*\n! this log has \d+ problems.*\s+seer show \w{4} --check/)
  const problems = text.slice(text.indexOf('\nproblems '))
  for (const what of [
    ': invalid (',
    ': torn (',
    'is missing (event',
    'results/steering.json is missing',
    '"future-thing"',
  ])
    expect(problems).toContain(what)
})

test('a run that goes on is told so far; one whose process has gone has crashed', async () => {
  const open = await writeSampleRun(root, { status: null })
  expect((await show(open)).text).toContain('it is still running')
  const lock = join(open, 'run.lock')
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(/"startTime":"\d+"/, '"startTime":"1"'))
  const { lines, text } = await show(open)
  expect(lines[0]).toMatch(/crashed$/)
  expect(text).toContain('gc --output-dir ')
})

test('a failed run shows its error; a log that is cut anywhere is told', async () => {
  const failed = await writeSampleRun(root, { status: 'failed', recorded: false })
  expect((await show(failed)).text.split('the disk of the sandbox is full')).toHaveLength(2)
  const log = join(failed, 'events.jsonl')
  const { size } = statSync(log)
  for (const part of [0.9, 0.5, 0.1, 0.001, 0]) {
    truncateSync(log, Math.floor(size * part))
    expect((await show(failed)).code).toBe(0)
    expect(JSON.parse((await show(failed, { json: true })).lines.at(-1)!)).toMatchObject({ folder: failed })
  }
  appendFileSync(log, 'no log at all\n')
  expect((await show(failed)).text).toContain('no run-start')
})

test('--output puts parts that are files back in their places, and says which are missing', async () => {
  const run = Run.create(newRunFolder(root, 'parts', new Date()), SAMPLE_START)
  const place = { session: 's1', cell: 'c1', by: 'agent:explorer' } as const
  const text = '嵐 '.repeat(700_000)
  const file = {
    blob: run.storeArtifact(Buffer.from(text)),
    bytes: Buffer.byteLength(text),
    encoding: 'text' as const,
    head: text.slice(0, 10),
    tail: text.slice(-10),
  }
  run.emit({ type: 'cell-start', ...place, code: '1', hidden: false })
  const outputs: Output[] = [
    { output_type: 'stream', name: 'stdout', text: 'start\r50%\r100%\nopen ' },
    { output_type: 'stream', name: 'stdout', text: file },
    { output_type: 'stream', name: 'stderr', text: 'a warning' },
    { output_type: 'display_data', data: { 'text/plain': { ...file, head: '', tail: '' } }, metadata: {} },
    { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['frame', '\u001b[31mE\u001b[0m: v'] },
  ]
  for (const output of outputs) run.emit({ type: 'cell-output', ...place, output })
  await run.end('completed')
  // What stands out of the first word behind `100%` is what a terminal leaves of it.
  const whole = `100%t\nopen ${text}\na warning\n${text}\nframe\nE: v\n`
  expect((await show(run.folder, { output: 'c1' })).text === whole).toBe(true)
  rmSync(run.artifacts.path(file.blob))
  expect((await show(run.folder, { output: 's1/c1' })).text).toContain('bytes are not here')
})
