import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readInterface } from './interface-files.ts'

function folderOf(files: Record<string, string>): string {
  const folder = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

test('the file, modules beside it, and packages with all that is in them; nothing else', () => {
  const folder = folderOf({
    'interface.py': 'x = 1',
    'target_agent.py': '',
    'not-a-module.py': '',
    'notes.md': '',
    '.env': 'KEY=1',
    'pack/__init__.py': '',
    'pack/data/table.csv': '1',
    'pack/.env': 'KEY=1',
    'pack/__pycache__/x.pyc': '',
    'plain/no_package.py': '',
  })
  const { main, files, sha256 } = readInterface(join(folder, 'interface.py'))
  expect(main).toBe('interface.py')
  expect(files.map(({ path }) => path)).toEqual([
    'interface.py',
    'pack/__init__.py',
    'pack/data/table.csv',
    'target_agent.py',
  ])
  writeFileSync(join(folder, 'pack/data/table.csv'), '2')
  expect(readInterface(join(folder, 'interface.py')).sha256).not.toBe(sha256)
})

test.each([
  ['is not there', 'missing.py', /cannot be read/],
  ['is no Python', 'interface.txt', /not a .py file/],
  ['has a name that cannot be imported', 'my-interface.py', /name that Python can import/],
])('a file that %s', (_, name, message) => {
  const folder = folderOf({ 'interface.txt': '', 'my-interface.py': '' })
  expect(() => readInterface(join(folder, name))).toThrow(message)
})

test('a folder with too much Python beside it is refused, with what to do', () => {
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`m${i}.py`, '']))
  const folder = folderOf({ 'interface.py': '', ...many })
  expect(() => readInterface(join(folder, 'interface.py'))).toThrow(/502 Python files/)
})

test.each(['helper.py', 'pack'])('a link beside it that could be imported is refused: %s', (name) => {
  const elsewhere = folderOf({ 'helper.py': '', 'pack/__init__.py': '' })
  const folder = folderOf({ 'interface.py': '' })
  symlinkSync(join(elsewhere, name), join(folder, name))
  symlinkSync('/etc/hostname', join(folder, 'notes.md'))
  expect(() => readInterface(join(folder, 'interface.py'))).toThrow(
    `${join(folder, name)}, beside the interface, is a link`,
  )
})

test('a link in a package beside it is refused', () => {
  const folder = folderOf({ 'interface.py': '', 'pack/__init__.py': '' })
  symlinkSync('/etc/hostname', join(folder, 'pack', 'link'))
  expect(() => readInterface(join(folder, 'interface.py'))).toThrow(/has a link in it/)
})
