import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readRecordedConfig, recordConfig } from './config-record.ts'
import { parseSandboxConfig } from './sandbox-config.ts'

const recorded = (config: Parameters<typeof parseSandboxConfig>[0]) => recordConfig(parseSandboxConfig(config))

test('what was asked for comes back', () => {
  const config = {
    models: [{ name: 'embedded' }, { name: 'org/name', varName: 'other', revision: 'v1' }],
    pythonPackages: ['plotly==7.1.0'],
    network: ['example.org'],
    timeout: 600,
  }
  expect(readRecordedConfig(recorded(config))).toMatchObject({
    ...config,
    models: [{ name: 'embedded', varName: 'model' }, config.models[1]],
    repos: [],
    localFiles: [],
    env: [],
    gpu: null,
  })
})

test('places of this machine are whole paths', () => {
  expect(recorded({ localFiles: [['package.json', 'data.json']], python: './.venv' })).toMatchObject({
    localFiles: [[resolve('package.json'), 'data.json']],
    python: resolve('.venv'),
  })
  expect(recorded({ python: '3.12' })).toMatchObject({ python: '3.12' })
})

test('of variables only the names stand there, and no login', () => {
  const text = JSON.stringify(
    recorded({
      env: { MY_TOKEN: 'a-value-of-it' },
      pythonPackages: ['thing @ https://me:hunter2@example.org/thing.whl'],
      repos: [{ url: 'https://me:hunter2@example.org/repo.git' }],
    }),
  )
  expect(text).toContain('"env":["MY_TOKEN"]')
  expect(text).not.toMatch(/a-value-of-it|hunter2/)
  expect(text).toContain('https://example.org/thing.whl')
})

test.each([[null], ['text'], [{ localFiles: 'x' }], [{ network: 'somewhere' }]])('%j is none', (value) => {
  expect(readRecordedConfig(value)).toBeUndefined()
})
