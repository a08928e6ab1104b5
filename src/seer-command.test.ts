import { expect, test } from 'vitest'
import { seerCommand } from './seer-command.ts'

const env = { PATH: '/usr/bin:/opt/bin' }

test.each([
  [undefined, 'seer gc'],
  ['./seer', './seer gc'],
  ['../my seer/seer', `'../my seer/seer' gc`],
  ['/opt/bin/seer', 'seer gc'],
  ['/elsewhere/seer', '/elsewhere/seer gc'],
])('called as %s: %s', (called, expected) => {
  expect(seerCommand(['gc'], { env: { ...env, SEER_COMMAND: called } })).toBe(expected)
})

test.each([
  ['outputs', ''],
  ['/home/me/outputs', ''],
  ['runs', ' --output-dir runs'],
  ['/home/me/runs', ' --output-dir runs'],
  ['/tmp/runs', ' --output-dir /tmp/runs'],
  ["/tmp/my 'own' runs", ` --output-dir '/tmp/my '\\''own'\\'' runs'`],
])('runs in %s', (outputDir, expected) => {
  expect(seerCommand(['show', 'k3f9'], { outputDir, env, cwd: '/home/me' })).toBe(`seer show k3f9${expected}`)
})
