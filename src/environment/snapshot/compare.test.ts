import { expect, test } from 'vitest'
import type { ModelHandle } from '../models/model-handle.ts'
import { differences, packageDifferences, refuseOtherWeights } from './compare.ts'
import type { SnapshotRecord } from './snapshot.ts'

const model = (of: Partial<ModelHandle> = {}): ModelHandle => ({
  name: 'm',
  varName: 'model',
  path: '/models/m0',
  weightsSha256: 'a'.repeat(64),
  weightsHashFrom: 'read',
  quantisation: 'not quantised',
  parameters: 1,
  dtype: 'float32',
  device: 'auto',
  isPeft: false,
  loadAsPeft: false,
  ...of,
})
const record = (models: SnapshotRecord['models'], lock = '', seed = 0): SnapshotRecord => ({
  format: 1,
  id: 'sn-0123456789',
  name: 'n',
  createdAt: '2026-11-23T00:00:00.000Z',
  seer: '0.1.0',
  run: 'r',
  sandbox: 'sb-1',
  experiment: 'e',
  seed,
  environment: { id: 'e1', lockSha256: 'b'.repeat(64), lock },
  models,
  secrets: [],
  files: [],
  skipped: [],
  cells: [],
})
const other = 'f'.repeat(64)

test.each<[string, ModelHandle, ModelHandle]>([
  ['other weights', model(), model({ weightsSha256: other })],
  ['other weights under another name', model(), model({ name: 'n', weightsSha256: other })],
  ['other weights in another variable', model(), model({ varName: 'second', weightsSha256: other })],
  ['another base', model({ base: model() }), model({ base: model({ weightsSha256: other }) })],
])('%s are refused', (_, before, now) => {
  expect(() => refuseOtherWeights(record([before]), [now])).toThrow(
    expect.objectContaining({
      code: 'snapshot-other-weights',
      message: expect.stringContaining('ffffffffffff') as string,
    }),
  )
})

test.each<[string, ModelHandle[], ModelHandle[]]>([
  ['the same', [model()], [model()]],
  ['the same from another folder', [model()], [model({ name: 'elsewhere' })]],
  ['none any more', [model()], []],
  ['one more', [], [model()]],
  [
    'a hash that says nothing beside the other',
    [model({ weightsHashFrom: 'sampled' })],
    [model({ weightsSha256: other })],
  ],
])('%s: not refused', (_, before, now) => {
  expect(() => refuseOtherWeights(record(before), now)).not.toThrow()
})

test('packages: what is new, missing and another version, and no more than ten', () => {
  expect(packageDifferences('a==1\nb==1\nc==1\n', 'b==2\nc==1\nd==3\n')).toEqual([
    'a 1 is missing',
    'b 2, was 1',
    'd 3 is new',
  ])
  const many = Array.from({ length: 15 }, (_, i) => `p${String(i).padStart(2, '0')}==1`).join('\n')
  const [said] = differences(record([], many), { handles: [], lock: '', seed: 0 })
  expect(said).toMatch(/^Its packages are others: p00 1 is missing, .*p09 1 is missing and 5 more\.$/)
})

test('nothing is said where all is the same; a missing model and another seed are', () => {
  expect(differences(record([model()], 'a==1\n'), { handles: [model()], lock: 'a==1\n', seed: 0 })).toEqual([])
  expect(differences(record([model()]), { handles: [], lock: '', seed: 7 })).toEqual([
    'These models are not in it: m.',
    'Its seed is 7, and was 0: what is drawn at random will differ.',
  ])
})

test('a name in the record that would act in a terminal is shown as what it is', () => {
  const before = model({ name: 'evil\u001b]0;x\u0007\u009b31m\u202e' })
  const message = /^[^\p{Cc}\p{Cf}]*It was evil[^\p{Cc}\p{Cf}]*$/u
  expect(() => refuseOtherWeights(record([before]), [model({ weightsSha256: other })])).toThrow(message)
})
