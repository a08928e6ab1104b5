import { expect, test } from 'vitest'
import { output, record } from '../../test/fixtures/memory-host.ts'
import { SeerError } from '../errors.ts'
import type { By } from '../run/events.ts'
import { journalRecordSchema } from './protocol.ts'
import { eventsOfRecord } from './record-events.ts'

const SHA = 'a'.repeat(64)
const RECORD = 'application/vnd.seer.record+json'
const SAVE = 'application/vnd.seer.save+json'
const COMPUTE = 'application/vnd.seer.compute+json'
const compute = { python: '3.11', torch: null, isa: 'AVX2', threads: 1, device: 'cpu' }

function eventsOf(
  value: unknown,
  by: By = 'agent:x',
  saveResult: (file: string, claimed?: string) => Promise<{ sha256: string; bytes: number }> = () =>
    Promise.resolve({ sha256: SHA, bytes: 3 }),
) {
  const readArtifact = (sha256: string) => {
    if (sha256 === SHA) return Buffer.from('{"table":"t","row":{"from":"a blob"}}')
    throw new Error('missing')
  }
  return eventsOfRecord(journalRecordSchema.parse(value), {
    sandbox: 'sb',
    authorOf: () => by,
    readArtifact,
    saveResult,
  })
}
const place = { session: 's1', sandbox: 'sb', kernel: { generation: 1, seq: 3 } }

test.each([
  [record(3, 'kernel-ready'), [{ ...place, type: 'kernel-start', by: 'system', pid: 1 }]],
  [
    record(3, 'kernel-dead'),
    [
      {
        ...place,
        type: 'kernel-dead',
        by: 'system',
        reason: 'died',
        exitCode: null,
        signal: 'SIGKILL',
        variablesLost: true,
      },
    ],
  ],
  [record(3, 'cell-begin'), []],
  [
    record(3, 'cell-end'),
    [{ ...place, type: 'cell-end', by: 'system', cell: 'c1', status: 'ok', executionCount: 1, durationMs: 5 }],
  ],
  [
    output(3, 'hi'),
    [
      {
        ...place,
        type: 'cell-output',
        by: 'agent:x',
        cell: 'c1',
        output: { output_type: 'stream', name: 'stdout', text: 'hi' },
      },
    ],
  ],
  [
    { ...output(3, ''), kind: 'output-lost', cell: null, reason: 'cap', messages: 2, bytes: 9 },
    [{ ...place, type: 'output-lost', by: 'system', reason: 'cap', messages: 2, bytes: 9 }],
  ],
])('%j', async (value, events) => {
  expect(await eventsOf(value)).toEqual(events)
})

test.each([
  [
    'a row',
    { [RECORD]: { table: 'trials', row: { n: 1 } } },
    { type: 'result-record', by: 'agent:x', cell: 'c1', table: 'trials', row: { n: 1 } },
  ],
  [
    'a row in a blob',
    { [RECORD]: { blob: SHA, bytes: 9, encoding: 'json' } },
    { type: 'result-record', row: { from: 'a blob' } },
  ],
  [
    'a row in a blob that is gone',
    { [RECORD]: { blob: 'b'.repeat(64), bytes: 9, encoding: 'json' } },
    { type: 'notice-add', code: 'result-refused' },
  ],
  [
    'a table that is a path',
    { [RECORD]: { table: '../x', row: {} } },
    { type: 'notice-add', code: 'result-refused', by: 'system' },
  ],
  ['a row that is a list', { [RECORD]: { table: 't', row: [1] } }, { type: 'notice-add', code: 'result-refused' }],
  [
    'a saved value',
    { [SAVE]: { name: 'v', file: 'v.json', kind: 'json' } },
    { type: 'result-save', name: 'v', file: 'v.json', sha256: SHA, bytes: 3 },
  ],
  [
    'a file that is a path',
    { [SAVE]: { name: 'v', file: 'a/b', kind: 'json' } },
    { type: 'notice-add', code: 'result-refused' },
  ],
  [
    'a file that is a table',
    { [SAVE]: { name: 'v', file: 'trials.jsonl', kind: 'json' } },
    { type: 'notice-add', code: 'result-refused' },
  ],
  [
    'a hidden file',
    { [SAVE]: { name: 'v', file: '.env', kind: 'json' } },
    { type: 'notice-add', code: 'result-refused' },
  ],
])('%s', async (_, data, second) => {
  expect(await eventsOf(output(3, '', data))).toMatchObject([{ type: 'cell-output' }, { ...place, ...second }])
})

test.each([
  ['setup', 2],
  ['agent:x', 1],
  ['researcher', 1],
] as const)('what the run computes on is believed of the set-up only (%s)', async (by, count) => {
  expect(await eventsOf(output(3, '', { [COMPUTE]: compute }), by)).toHaveLength(count)
})

test('the hash that was published goes to whoever copies, and is not taken for that of the copy', async () => {
  const asked: unknown[] = []
  const save = output(3, '', { [SAVE]: { name: 'v', file: 'v.json', kind: 'json', sha256: 'b'.repeat(64) } })
  const copy = (...args: unknown[]) => (asked.push(args), Promise.resolve({ sha256: SHA, bytes: 3 }))
  expect((await eventsOf(save, 'agent:x', copy))[1]).toMatchObject({ type: 'result-save', sha256: SHA })
  expect(asked).toEqual([['v.json', 'b'.repeat(64)]])
})

test('a saved file that is not there is told; a disk that is full ends the run', async () => {
  const save = output(3, '', { [SAVE]: { name: 'v', file: 'v.json', kind: 'json' } })
  const missing = () => Promise.reject(new SeerError('file-missing', { message: 'There is no file v.json.' }))
  expect(await eventsOf(save, 'agent:x', missing)).toMatchObject([
    {},
    { type: 'notice-add', text: expect.stringContaining('v.json') },
  ])
  const full = new SeerError('artifact-write-failed', { message: 'full', endsRun: true })
  await expect(eventsOf(save, 'agent:x', () => Promise.reject(full))).rejects.toBe(full)
})
