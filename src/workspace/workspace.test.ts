import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { modulesOf } from './clashes.ts'
import { Library } from './library.ts'
import { Skill } from './skill.ts'
import { Workspace } from './workspace.ts'

/** A skill's folder, in a new folder of skills. */
function skillFolder(
  name: string,
  files: Record<string, string> = {},
  within = mkdtempSync(join(newFolder(), 'skills-')),
): string {
  const folder = join(within, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'SKILL.md'), `---\nname: ${name}\ndescription: About ${name}.\n---\n`)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}
const skill = (name: string, files?: Record<string, string>) => Skill.fromDir(skillFolder(name, files))

test('it has defaults, and refuses what it does not know', () => {
  expect(new Workspace()).toMatchObject({
    libraries: [],
    skills: [],
    localDirs: [],
    localFiles: [],
    preloadModels: true,
    hiddenModelLoading: true,
  })
  expect(() => new Workspace({ librarys: [] } as never)).toThrow(/did you mean "libraries"/)
  expect(() => new Workspace({ libraries: [{ name: 'x', code: '' }] } as never)).toThrow(
    /libraries\.0: is not a Library/,
  )
  expect(() => new Workspace({ skills: ['steering'] } as never)).toThrow(/skills\.0: is not a Skill/)
})

test('what its libraries say of themselves, for a prompt', () => {
  const libraries = [Library.fromCode('a', '"""First."""'), Library.fromCode('b', 'x = 1')]
  expect(new Workspace({ libraries }).getLibraryDocs()).toBe(
    '# Available libraries\n\n## a\n\nFirst.\n\n## b\n\n`import b`',
  )
  expect(new Workspace().getLibraryDocs()).toBe('')
})

test('a folder of skillDirs is a skill, or holds skills', () => {
  const within = newFolder()
  const [one] = [skillFolder('one', {}, within), skillFolder('two', {}, within)]
  writeFileSync(join(within, 'README.md'), '')
  expect(new Workspace({ skillDirs: [within] }).skills.map(({ name }) => name)).toEqual(['one', 'two'])
  const both = new Workspace({ skills: [skill('three')], skillDirs: [one] }).skills
  expect(both.map(({ name }) => name)).toEqual(['three', 'one'])
  expect(thrownBy(() => new Workspace({ skillDirs: [newFolder()] }))).toMatchObject({ code: 'skill-file' })
  expect(thrownBy(() => new Workspace({ skillDirs: ['./missing'] })).hint).toMatch(/current folder/)
})

test('the modules of a skill: files and packages at its top that Python would find by that name', () => {
  const files = {
    'helpers.py': '',
    'pack/__init__.py': '',
    'pack/a.csv': '',
    'scripts/b.py': '',
    'code.py': '',
    'not-one.py': '',
  }
  expect([...modulesOf(skill('s', files)).keys()]).toEqual(['helpers', 'pack'])
})

test.each<[string, () => Workspace, string, RegExp]>([
  [
    'libraries',
    () => new Workspace({ libraries: [Library.fromCode('a', ''), Library.fromCode('a', 'x')] }),
    'library-name',
    /two libraries named "a"/,
  ],
  [
    'skills',
    () => new Workspace({ skills: [skill('s')], skillDirs: [skillFolder('s')] }),
    'skill-name',
    /two skills named "s"/,
  ],
  [
    'modules of skills',
    () => new Workspace({ skills: [skill('s', { 'm.py': '1' }), skill('t', { 'm.py': '2' })] }),
    'skill-invalid',
    /skill t and the skill s both/,
  ],
  [
    'a module and a library',
    () => new Workspace({ libraries: [Library.fromCode('m', '1')], skills: [skill('s', { 'm.py': '2' })] }),
    'skill-invalid',
    /skill s and the library m both/,
  ],
])('two of one name are refused: %s', (_, make, code, message) => {
  expect(thrownBy(make)).toMatchObject({ code, message: expect.stringMatching(message) })
})

test('the same module twice is one', () => {
  const folder = join(newFolder(), 'pack')
  mkdirSync(folder)
  writeFileSync(join(folder, '__init__.py'), 'x = 1')
  writeFileSync(join(folder, 'data'), 'y')
  const same = skill('s', { 'pack/__init__.py': 'x = 1', 'pack/data': 'y', 'm.py': '1' })
  const libraries = [Library.fromDirectory(folder), Library.fromCode('m', '1')]
  expect(() => new Workspace({ libraries, skills: [same, skill('t', { 'm.py': '1' })] })).not.toThrow()
})

test.each<[string, string, RegExp]>([
  ['out of the workspace', '/data', /its sandbox runs already/],
  ['up', '../x', /leads out of the workspace/],
  ['the system', '/usr/x', /place of the sandbox's system/],
  ['libraries', '/workspace/libraries/x.py', /libraries lie there/],
  ['skills', '.claude/skills/x', /skills lie there/],
])('a file cannot lie there: %s', (_, to, message) => {
  const from = join(newFolder(), 'a')
  writeFileSync(from, '')
  expect(thrownBy(() => new Workspace({ localFiles: [[from, to]] }))).toMatchObject({
    code: 'local-file-target',
    message: expect.stringMatching(message),
  })
  expect(new Workspace({ localFiles: [[from, `/workspace/${basename(from)}`]] }).localFiles).toHaveLength(1)
})

test('a file that is not there is refused before anything starts', () => {
  expect(thrownBy(() => new Workspace({ localDirs: [['./missing', 'data']] })).code).toBe('local-file-missing')
})
