import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Library } from '../workspace/library.ts'
import { toolkitOf } from './own-toolkit.ts'

const folder = mkdtempSync(join(tmpdir(), 'seer toolkit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const text = ({ files }: Library) => Buffer.from(files[0]!.bytes).toString()

test('a toolkit file is Seer’s until the experiment has its own', () => {
  const toolkit = toolkitOf(folder)
  const seers = Library.toolkit('steering_hook')
  expect(text(seers)).toContain('def create_steering_hook(')
  expect(toolkit('steering_hook')).toEqual(seers)

  mkdirSync(join(folder, 'toolkit'))
  writeFileSync(join(folder, 'toolkit', 'steering_hook.py'), 'mine = True\n')
  expect(toolkit('steering_hook').name).toBe('steering_hook')
  expect(text(toolkit('steering_hook'))).toBe('mine = True\n')
  expect(toolkit('extract_activations')).toEqual(Library.toolkit('extract_activations'))
})

test.each(['steering_hok', '../sandbox-intro/experiment', 'steering_hook.py'])('"%s" is in no toolkit', (name) => {
  expect(() => toolkitOf(folder)(name)).toThrow(/has no ".*"/)
})
