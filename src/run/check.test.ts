import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { openArtifacts } from './artifacts.ts'
import { checkRun } from './check.ts'
import type { EventInput } from './events.ts'
import { openLogWriter } from './log-writer.ts'
import { openNotebookWriter } from './notebook-writer.ts'
import { openResults } from './results.ts'

let folder: string
let image: string

/** A run folder as a run leaves it. */
beforeEach(async () => {
  folder = temporaryFolder('seer-check-')
  mkdirSync(join(folder, 'results'))
  const artifacts = openArtifacts(join(folder, 'artifacts'))
  const log = openLogWriter(join(folder, 'events.jsonl'), { run: 'r' })
  const notebook = openNotebookWriter(join(folder, 'notebook.ipynb'), { readBlob: (sha256) => artifacts.read(sha256) })
  const results = openResults(join(folder, 'results'))
  image = artifacts.put(Buffer.from('a picture'))
  const saved = artifacts.put(Buffer.from('{}'))
  writeFileSync(join(folder, 'results', 'vector.json'), '{}')
  const by = 'agent:main'
  const place = { by, session: 's', cell: 'c1' } as const
  const ref = { blob: image, bytes: 9, encoding: 'base64' as const }
  const events: EventInput[] = [
    {
      type: 'run-start',
      by: 'system',
      logVersion: 1,
      seer: '0',
      experiment: 'e',
      profile: null,
      params: {},
      backend: 'local',
      confinement: 'none',
      provider: 'script',
      seed: 0,
    },
    { type: 'cell-start', ...place, code: '1', hidden: false },
    {
      type: 'cell-output',
      ...place,
      output: { output_type: 'display_data', data: { 'image/png': ref }, metadata: {} },
    },
    { type: 'result-record', ...place, table: 'trials', row: { a: 1 } },
    { type: 'result-save', ...place, name: 'vector', file: 'vector.json', kind: 'json', sha256: saved, bytes: 2 },
    { type: 'cell-end', ...place, status: 'ok', executionCount: 1, durationMs: 1 },
    { type: 'run-end', by: 'system', status: 'completed', durationMs: 5 },
  ]
  for (const event of events) {
    const stamped = log.append(event)
    notebook.push(stamped)
    results.push(stamped)
  }
  log.close()
  await notebook.close()
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ run: 'r', experiment: 'e', status: 'completed' }))
})

test('a run as it was left is whole', async () => {
  expect(await checkRun(folder)).toEqual({
    ok: true,
    problems: [],
    counts: { events: 7, unknownEvents: 0, cells: 1, artifacts: 2, results: 1 },
    nbformat: 'not checked',
  })
})

const edit = (name: string, from: string, to: string) => {
  const path = join(folder, name)
  const text = readFileSync(path, 'utf8')
  expect(text).toContain(from)
  writeFileSync(path, text.replace(from, to))
}

test.each<[string, () => void, RegExp]>([
  ['a torn log', () => appendFileSync(join(folder, 'events.jsonl'), '{"seq"'), /^events.jsonl at byte \d+: torn/],
  ['a gap in the log', () => edit('events.jsonl', '"seq":4,', '"seq":40,'), /gap/],
  ['a line that is no event', () => edit('events.jsonl', '"code":"1"', '"code":1'), /invalid: cell-start/],
  [
    'an output that was changed in the log',
    () => edit('events.jsonl', '"code":"1"', '"code":"2"'),
    /notebook.ipynb, cell c1/,
  ],
  [
    'a notebook that was changed',
    () => edit('notebook.ipynb', '"source": "1"', '"source": "2"'),
    /notebook.ipynb, cell c1: is not what the log makes/,
  ],
  [
    'a notebook with a label taken away',
    () => edit('notebook.ipynb', 'This run was not confined', 'All is well'),
    /cell seer-about/,
  ],
  [
    'a notebook with other metadata',
    () => edit('notebook.ipynb', '"confinement": "none"', '"confinement": "wall"'),
    /metadata/,
  ],
  ['a notebook that is gone', () => rmSync(join(folder, 'notebook.ipynb')), /notebook.ipynb: ENOENT/],
  [
    'an artifact that was changed',
    () => writeFileSync(join(folder, 'artifacts', image), 'b picture'),
    /artifacts\/.* holds other bytes .*\(event 3\)/,
  ],
  ['an artifact that is gone', () => rmSync(join(folder, 'artifacts', image)), /artifacts\/.* is missing \(event 3\)/],
  [
    'a row that was changed',
    () => edit('results/trials.jsonl', '"a":1', '"a":2'),
    /results\/trials.jsonl: has other rows/,
  ],
  [
    'a table that is gone',
    () => rmSync(join(folder, 'results', 'trials.jsonl')),
    /trials.jsonl: is missing; the log has 1 rows/,
  ],
  ['a table that no event wrote', () => writeFileSync(join(folder, 'results', 'x.jsonl'), '{}\n'), /x.jsonl: no event/],
  [
    'a saved value that was changed',
    () => writeFileSync(join(folder, 'results', 'vector.json'), '[]'),
    /vector.json: holds other bytes/,
  ],
  [
    'a status that is not the log’s',
    () => edit('run.json', 'completed', 'failed'),
    /run.json: says status "failed"; the log says "completed"/,
  ],
  [
    'a duration that cannot be',
    () => edit('events.jsonl', '"status":"completed","durationMs":5', '"status":"completed","durationMs":500000'),
    /run-end says that the run took 500000 ms; its events span \d+ ms/,
  ],
  ['a run.json that is gone', () => rmSync(join(folder, 'run.json')), /run.json: ENOENT/],
  ['an empty log', () => writeFileSync(join(folder, 'events.jsonl'), ''), /holds no event/],
])('%s is found', async (_, damage, said) => {
  damage()
  const { ok, problems } = await checkRun(folder)
  expect(ok).toBe(false)
  expect(problems.map(({ where, what }) => `${where}: ${what}`).join('\n')).toMatch(new RegExp(said, 'm'))
})

test('a folder that holds nothing is no run, and no reason to throw', async () => {
  const { ok, problems } = await checkRun(join(folder, 'results'))
  expect(ok).toBe(false)
  expect(problems.map(({ where }) => where)).toContain('events.jsonl')
})
