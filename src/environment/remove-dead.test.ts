import { statSync, utimesSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { makeSandbox } from '../../test/fixtures/sandbox-facts.ts'
import { knownSandbox } from './known-sandboxes.ts'
import { removeSandbox } from './remove-dead.ts'

afterEach(() => void vi.unstubAllEnvs())

test('a removal that comes to nothing does not make a half-made sandbox look new', async () => {
  const state = newFolder()
  vi.stubEnv('XDG_STATE_HOME', state)
  const folder = makeSandbox(state, 'sb-aa', { facts: null })
  utimesSync(folder, 1000, 1000)
  const before = await knownSandbox(folder)
  expect(before?.use).toEqual({ state: 'half-made', isOld: true })
  expect(await removeSandbox(before!, () => undefined)).toBeUndefined()
  expect(statSync(folder).mtimeMs).toBe(1000_000)
})
