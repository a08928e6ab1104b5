import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Library } from '../workspace/library.ts'
import { toolkitOf } from './own-toolkit.ts'

const folder = mkdtempSync(join(tmpdir(), 'seer toolkit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a toolkit file is Seer’s until the experiment has its own', () => {
  const toolkit = toolkitOf(folder)
  const seers = Library.toolkit('steering_hook')
  expect(seers.code).toContain('def create_steering_hook(')
  expect(toolkit('steering_hook')).toEqual(seers)

  mkdirSync(join(folder, 'toolkit'))
  writeFileSync(join(folder, 'toolkit', 'steering_hook.py'), 'mine = True\n')
  expect(toolkit('steering_hook')).toMatchObject({ name: 'steering_hook', code: 'mine = True\n' })
  expect(toolkit('extract_activations')).toEqual(Library.toolkit('extract_activations'))
})

test.each(['steering_hok', '../sandbox-intro/experiment', 'steering_hook.py'])('"%s" is in no toolkit', (name) => {
  expect(() => toolkitOf(folder)(name)).toThrow(/has no ".*"/)
})
