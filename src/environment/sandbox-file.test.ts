import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { factsOf } from '../../test/fixtures/sandbox-facts.ts'
import { sandboxConfigSchema } from './sandbox-config.ts'
import { readSandboxFile, writeSandboxFile } from './sandbox-file.ts'

const model = {
  name: 'm',
  path: '/models/m0',
  weightsSha256: 'a',
  weightsHashFrom: 'read',
  quantisation: 'not quantised',
  parameters: 5,
} as const

test('what is written is read again, whole and closed to others', () => {
  const folder = newFolder()
  const config = sandboxConfigSchema.parse({
    models: [{ name: 'org/m', isPeft: true, baseModel: 'org/b' }],
    network: ['api.example.org'],
    env: { A: 'b' },
    secrets: ['HF_TOKEN'],
    localFiles: [['./a', '/workspace/a']],
    repos: [{ url: 'org/repo' }],
    timeout: 60,
    gpu: null,
  })
  const handle = {
    ...model,
    varName: 'model',
    dtype: 'float32',
    device: 'auto',
    isPeft: true,
    base: model,
    loadAsPeft: false,
  }
  const limits = { memory: { how: 'enforced' as const, by: 'cgroup v2', limit: 1 } }
  const facts = factsOf(folder, 'sb-1', { config, modelHandles: [handle], limits, gpus: ['A100'] })
  writeSandboxFile(folder, facts)
  expect(readSandboxFile(folder)).toEqual(facts)
  expect(statSync(join(folder, 'sandbox.json')).mode & 0o777).toBe(0o600)
})

test('where it cannot be written, nothing is left of it', () => {
  const folder = newFolder()
  mkdirSync(join(folder, 'sandbox.json'))
  expect(() => writeSandboxFile(folder, factsOf(folder, 'sb-1'))).toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
  expect([readdirSync(folder), readSandboxFile(folder), readSandboxFile('/none')]).toEqual([
    ['sandbox.json'],
    undefined,
    undefined,
  ])
})
