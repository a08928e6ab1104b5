import { execFile } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collector } from '../../test/collector.ts'
import { SAMPLE_START } from '../../test/sample-run.ts'
import { newRunFolder } from '../run/paths.ts'
import { Run } from '../run/run.ts'
import { csvLine } from './csv.ts'
import { paramsHash, readRows } from './result-rows.ts'
import { resultsCommand } from './results.ts'

let outputDir: string
let live: string
let played: string
beforeAll(async () => {
  outputDir = mkdtempSync(join(tmpdir(), 'seer results-'))
  live = await writeRun('claude', [
    ['trials', { layer: 15, text: 'a "b", c\nd', hit: true }],
    ['trials', { layer: 0, extra: { a: [1] }, _run: 'forged' }],
    ['answers', { text: '' }],
  ])
  played = await writeRun('recorded', [['trials', { layer: null, text: ' ü' }]])
})
afterAll(() => rmSync(outputDir, { recursive: true, force: true }))

async function writeRun(provider: string, rows: readonly (readonly [string, object])[]): Promise<string> {
  const run = Run.create(newRunFolder(outputDir, 'mine', new Date()), { ...SAMPLE_START, experiment: 'mine', provider })
  for (const [table, row] of rows)
    run.emit({ type: 'result-record', by: 'agent:explorer', cell: 'c1', table, row: row as Record<string, never> })
  await run.end('completed', undefined)
  return run.folder
}

async function results(runs: string[], options: { format?: 'csv' | 'jsonl' | 'parquet'; table?: string } = {}) {
  const out = collector()
  const said: string[] = []
  await resultsCommand(runs, { format: 'csv', outputDir, ...options }, out, (text) => said.push(text))
  return { text: out.text, bytes: out.bytes, said: said.join('\n') }
}

test.each([
  [[1, -0.5, 1e21, true, null, undefined], '1,-0.5,1e+21,true,,\n'],
  [['plain', 'two words', ''], 'plain,two words,""\n'],
  [['a,b', 'a"b', 'a\nb', 'a\r', ' a'], '"a,b","a""b","a\nb","a\r"," a"\n'],
  [[[1, 'x'], { a: null }], '"[1,""x""]","{""a"":null}"\n'],
])('CSV of %j', (values, line) => expect(csvLine(values)).toBe(line))

test('several runs in one file: where each row comes from, then what it holds', async () => {
  const { text, said } = await results([live, played])
  const hash = paramsHash(SAMPLE_START.params)
  const from = (run: string, provider: string, recorded: boolean) =>
    `${basename(run)},mine,embedded,${hash},${provider},${recorded}`
  expect(text).toBe(
    [
      '_run,_experiment,_profile,_params,_provider,_recorded,_table,_seq,_cell,layer,text,hit,extra',
      `${from(live, 'claude', false)},trials,2,c1,15,"a ""b"", c\nd",true,`,
      `${from(live, 'claude', false)},trials,3,c1,0,,,"{""a"":[1]}"`,
      `${from(live, 'claude', false)},answers,4,c1,,"",,`,
      `${from(played, 'recorded', true)},trials,2,c1,," ü",,`,
      '',
    ].join('\n'),
  )
  expect(said).toContain('1 of 2 played a recording')
  expect(said).toContain('2 tables in one file (_table): trials, answers')
})

test('jsonl of one table; a run that is named twice is read once', async () => {
  const { text, said } = await results([live, basename(live)], { format: 'jsonl', table: 'answers' })
  const row = { text: '', _run: basename(live), _table: 'answers', _recorded: false, _provider: 'claude', _seq: 4 }
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toEqual([expect.objectContaining(row)])
  expect(said).toBe('')
})

test('a table that nobody recorded is refused', async () => {
  await expect(results([live], { table: 'trails' })).rejects.toMatchObject({
    code: 'unknown-table',
    message: expect.stringContaining('did you mean "trials"?'),
    hint: 'The tables are: trials, answers.',
  })
})

test('damage in the log is told', async () => {
  const damaged = await writeRun('claude', [['trials', { layer: 1 }]])
  appendFileSync(join(damaged, 'events.jsonl'), 'nothing\n')
  expect((await readRows(damaged)).rows).toHaveLength(1)
  expect((await results([damaged])).said).toMatch(/damaged in 1 places?: rows may be missing/)
})

test('the hash of parameters is of their values, not of their order', () => {
  expect(paramsHash({ a: 1, b: { c: [1, 2], d: 2 } })).toBe(paramsHash({ b: { d: 2, c: [1, 2] }, a: 1 }))
  expect(paramsHash({ a: [1, 2] })).not.toBe(paramsHash({ a: [2, 1] }))
})

const python = process.env['SEER_TEST_PYTHON']
test.skipIf(python === undefined)(
  'parquet, as pandas reads it: numbers, booleans, missing values (needs SEER_TEST_PYTHON)',
  async () => {
    const { bytes } = await results([live, played], { format: 'parquet' })
    const file = join(outputDir, 'rows.parquet')
    writeFileSync(file, bytes)
    const code = `
import pandas, sys
rows = pandas.read_parquet(sys.argv[1])
print({name: str(kind) for name, kind in rows.dtypes.items() if name in ("_seq", "layer", "hit", "_recorded")})
print(rows.drop(columns=["_run", "_params"]).astype(object).where(rows.notna(), None).to_dict("records"))`
    const { stdout } = await promisify(execFile)(python!, ['-c', code, file])
    const [types, records] = stdout.trim().split('\n')
    expect(types).toBe("{'_recorded': 'bool', '_seq': 'int32', 'layer': 'float64', 'hit': 'object'}")
    expect(records).toContain(
      `'_recorded': False, '_table': 'trials', '_seq': 2, '_cell': 'c1', 'layer': 15.0, 'text': 'a "b", c\\nd', 'hit': True, 'extra': None}`,
    )
    expect(records).toContain(`'extra': '{"a":[1]}'`)
  },
)

test('parquet is not written to a terminal', async () => {
  const out = Object.assign(collector(), { isTTY: true })
  await expect(resultsCommand([live], { format: 'parquet', outputDir }, out)).rejects.toThrow(/not for a terminal/)
})
