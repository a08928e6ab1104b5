import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { Skill } from '../workspace/skill.ts'
import { toolkitFile } from '../workspace/toolkit.ts'
import { copyExperiment } from './copy-experiment.ts'

let root: string
let source: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'seer copy-'))
  source = join(root, 'source')
  write('experiment.ts', `libraries: [toolkit('steering_hook'), Library.toolkit('extract_activations')]`)
  write('lib/more.ts', 'export const more = 1')
  write('recordings/embedded.json', '{}')
  write('package.json', '{"mine": true}')
  for (const left of [
    'outputs/run/events.jsonl',
    'node_modules/x/index.js',
    'lib/__pycache__/a.pyc',
    '.env',
    '.env.local',
  ])
    write(left)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function write(name: string, text = ''): void {
  mkdirSync(dirname(join(source, name)), { recursive: true })
  writeFileSync(join(source, name), text)
}

test('its files, its recordings and the toolkit files that it names; nothing that a run left, no keys', () => {
  const target = join(root, 'a folder', 'mine')
  const beside = (names: readonly string[]) => ({ 'package.json': '{}', 'README.md': names.join() })
  expect(copyExperiment(source, target, beside)).toEqual({ toolkit: ['steering_hook'], skills: [] })
  expect(filesOf(target)).toEqual([
    'README.md',
    'experiment.ts',
    'lib/more.ts',
    'package.json',
    'recordings/embedded.json',
    'toolkit/steering_hook.py',
  ])
  const read = (name: string) => readFileSync(join(target, name), 'utf8')
  expect(read('toolkit/steering_hook.py')).toBe(readFileSync(toolkitFile('steering_hook'), 'utf8'))
  expect(read('package.json')).toBe('{"mine": true}')
  expect(read('README.md')).toBe('steering_hook')

  writeFileSync(join(target, 'toolkit/steering_hook.py'), 'changed = True\n')
  copyExperiment(target, join(root, 'again'))
  expect(readFileSync(join(root, 'again/toolkit/steering_hook.py'), 'utf8')).toBe('changed = True\n')
})

test('Seer’s skills that it names come along, and its own stay as they are', () => {
  const from = join(root, 'with skills')
  mkdirSync(join(from, 'skills/research-method'), { recursive: true })
  writeFileSync(join(from, 'skills/research-method/SKILL.md'), 'mine')
  const code = "({ skill }) => [skill('steering'), skill('research-method'), Skill.builtIn('other')]"
  writeFileSync(join(from, 'experiment.ts'), code)
  const to = join(root, 'skilled')
  expect(copyExperiment(from, to)).toEqual({ toolkit: [], skills: ['research-method', 'steering'] })
  const read = (name: string) => readFileSync(join(to, 'skills', name, 'SKILL.md'), 'utf8')
  expect(read('research-method')).toBe('mine')
  expect(Skill.fromDir(join(to, 'skills/steering')).sha256).toBe(Skill.builtIn('steering').sha256)

  writeFileSync(join(from, 'experiment.ts'), "const table = 'steering'; Skill.builtIn('steering')")
  expect(copyExperiment(from, join(root, 'unskilled')).skills).toEqual([])
})

test('an empty folder is taken, anything else is refused and left as it is', () => {
  const target = join(root, 'target')
  mkdirSync(target)
  copyExperiment(source, target)
  const before = filesOf(target)
  expect(thrownBy(() => copyExperiment(source, target)).message).toMatch(/is not empty/)
  expect(filesOf(target)).toEqual(before)
  expect(thrownBy(() => copyExperiment(source, join(target, 'experiment.ts'))).message).toMatch(/is a file/)
  expect(thrownBy(() => copyExperiment(source, join(source, 'inside'))).message).toMatch(/inside the experiment/)
})

test.each(['there', 'not-there'])('what fails half-way leaves nothing: the folder was %s', (name) => {
  const target = join(root, name)
  if (name === 'there') mkdirSync(target)
  const fail = () => {
    throw new Error('the disk is full')
  }
  expect(thrownBy(() => copyExperiment(source, target, fail))).toMatchObject({ code: 'new-failed' })
  expect(readdirSync(root).includes(name)).toBe(name === 'there')
  expect(filesOf(root).filter((file) => file.startsWith(`${name}/`))).toEqual([])
})

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}
