import { expect, test } from 'vitest'
import { exitCodeOf } from './settings.ts'

test.each([
  ['unknown-experiment', 2],
  ['unknown-profile', 2],
  ['invalid-options', 2],
  ['experiment-not-found', 2],
  ['experiment-params', 2],
  ['task-placeholder', 2],
  ['library-file', 2],
  ['run-unknown', 2],
  ['run-ambiguous', 2],
  ['provider-key-missing', 2],
  ['setup-python-missing', 3],
  ['setup-network', 3],
  ['setup-disk-full', 3],
  ['recording-stale', 4],
  ['recording-missing', 2],
  ['log-write-failed', 1],
  ['sandbox-lost', 1],
  ['cell-of-setup-failed', 1],
  ['anything-new', 1],
])('%s ends the command with %i', (code, exit) => {
  expect(exitCodeOf(code)).toBe(exit)
})
