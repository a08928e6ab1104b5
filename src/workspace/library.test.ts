import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { Library } from './library.ts'

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')
const texts = ({ files }: Library) =>
  Object.fromEntries(files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]))

/** A new folder with these files; returns its path. */
function folderOf(name: string, files: Record<string, string | Uint8Array>): string {
  const folder = join(newFolder(), name)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

test('a file is a module of its name, with the hash of its bytes', () => {
  const path = join(folderOf('any', { 'my_tools.py': 'x = "ü"\n' }), 'my_tools.py')
  const library = Library.fromFile(path)
  expect([library.name, texts(library)]).toEqual(['my_tools', { 'my_tools.py': 'x = "ü"\n' }])
  expect(library.sha256).toBe(sha256('x = "ü"\n'))
  expect(Library.fromCode('other', 'x = "ü"\n').sha256).toBe(library.sha256)
  expect(Library.fromCode('my_tools', 'x = 1\n').sha256).not.toBe(library.sha256)
})

test('a package travels whole, data too, and without what editors, tools and version control leave', () => {
  const data = Uint8Array.from({ length: 256 }, (_, i) => i)
  const folder = folderOf('cities', {
    '__init__.py': '"""Where they lie."""\nfrom .read import table\n',
    'read.py': 'x = 1\n',
    'data/table.bin': data,
    'data/.keep': '',
    'deep/er/__init__.py': '',
    '.env.example': 'KEY=',
    ...Object.fromEntries(
      [
        '__pycache__/read.cpython-311.pyc',
        'read.pyc',
        '.git/config',
        '.DS_Store',
        'deep/.ruff_cache/x',
        'read.py~',
        '.read.py.swp',
        '#read.py#',
        '.#read.py',
        '.env',
        'deep/.env.local',
      ].map((path) => [path, 'left']),
    ),
  })
  const library = Library.fromDirectory(folder)
  const paths = ['.env.example', '__init__.py', 'data/.keep', 'data/table.bin', 'deep/er/__init__.py', 'read.py']
  expect(library.name).toBe('cities')
  expect(library.files.map(({ path }) => path)).toEqual(paths.map((path) => `cities/${path}`))
  expect([...library.files[3]!.bytes]).toEqual([...data])
  const lines = library.files.map(({ path, bytes }) => `${sha256(bytes)}  ${path}\n`)
  expect(library.sha256).toBe(sha256(lines.join('')))
  expect(library.getPromptDocs()).toBe('## cities\n\nWhere they lie.')

  writeFileSync(join(folder, 'data/.keep'), 'other')
  expect(Library.fromDirectory(folder).sha256).not.toBe(library.sha256)
})

test('the Python of a skill is a package of its name, with the data beside it and SKILL.md for its documentation', () => {
  const skill = '---\nname: far-places\ndescription: Finds them.\n---\n\n# How\n\nCall `find()`.\n'
  const files = { 'SKILL.md': skill, 'code.py': 'def find(): ...\n', 'assets/map.csv': 'a,b\n' }
  const library = Library.fromSkillDir(folderOf('far-places', files))
  expect(library.name).toBe('far_places')
  expect(texts(library)).toEqual({
    'far_places/SKILL.md': skill,
    'far_places/__init__.py': files['code.py'],
    'far_places/assets/map.csv': 'a,b\n',
  })
  expect(library.getPromptDocs()).toBe('## far_places\n\n# How\n\nCall `find()`.')
})

test.each([
  [
    'a docstring',
    '#!/usr/bin/python\n# by me\n\n"""One "quoted" \\\\ line.\n\n    Another.\n"""\nx = 1\n',
    'One "quoted" \\ line.\n\nAnother.',
  ],
  ['none', 'x = """not a docstring"""\n', '`import tools`'],
  ['a file that is no Python', '"""open\n', '`import tools`'],
])('documentation: %s', (_, code, docs) => {
  expect(Library.fromCode('tools', code).getPromptDocs()).toBe(`## tools\n\n${docs}`)
})

test.each<[string, () => unknown, string, RegExp]>([
  ['no such file', () => Library.fromFile('./missing.py'), 'library-file', /start at the current folder/],
  ['not Python', () => Library.fromFile('./notes.txt'), 'library-file', /Library\.fromDirectory/],
  ['a part of a package', () => Library.fromFile('./p/__init__.py'), 'library-file', /Library\.fromDirectory/],
  ['a name that Python cannot import', () => Library.fromCode('my-tools', ''), 'library-name', /underscores/],
  ['a path for a name', () => Library.fromCode('../x', ''), 'library-name', /underscores/],
  ['a digit first', () => Library.fromCode('2x', ''), 'library-name', /digit/],
  ['a word of the language', () => Library.fromCode('class', ''), 'library-name', /underscores/],
  ['numpy', () => Library.fromCode('numpy', ''), 'library-name', /another name/],
  ['torch', () => Library.fromCode('torch', ''), 'library-name', /another name/],
  ['seer', () => Library.fromCode('seer', ''), 'library-name', /another name/],
  ['the standard library', () => Library.fromCode('random', ''), 'library-name', /another name/],
  ['no such folder', () => Library.fromDirectory('./missing'), 'library-file', /start at the current folder/],
  ['no package', () => Library.fromDirectory(folderOf('p', { 'a.py': '' })), 'library-file', /Library\.fromFile/],
  [
    'a package with a name of its own',
    () => Library.fromDirectory(folderOf('a-b', { '__init__.py': '' })),
    'library-name',
    /under/,
  ],
  [
    'a skill without Python',
    () => Library.fromSkillDir(folderOf('s', { 'SKILL.md': '---\nname: s\ndescription: d\n---\n' })),
    'library-file',
    /`skills`/,
  ],
])('refused: %s', (_, make, code, hint) => {
  const error = thrownBy(make)
  expect(error.code).toBe(code)
  expect(error.hint ?? '').toMatch(hint)
})

test('a link in a package is refused: it could lead to anything', () => {
  const folder = folderOf('linked', { '__init__.py': '' })
  symlinkSync('/etc/passwd', join(folder, 'data.txt'))
  expect(thrownBy(() => Library.fromDirectory(folder)).message).toMatch(/has a link in it, data\.txt/)
})
