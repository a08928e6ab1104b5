import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { Library } from './library.ts'
import { Workspace } from './workspace.ts'

test('a file is a module of its name, with the hash of its text', () => {
  const path = join(newFolder(), 'my_tools.py')
  writeFileSync(path, 'x = "ü"\n')
  const library = Library.fromFile(path)
  expect([library.name, library.code]).toEqual(['my_tools', 'x = "ü"\n'])
  expect(library.sha256).toBe(Library.fromCode('other', 'x = "ü"\n').sha256)
  expect(library.sha256).not.toBe(Library.fromCode('my_tools', 'x = 1\n').sha256)
})

test.each([
  ['no such file', () => Library.fromFile('./missing.py'), 'library-file', /start at the current folder/],
  ['not Python', () => Library.fromFile('./notes.txt'), 'library-file', /^$/],
  ['a name that Python cannot import', () => Library.fromCode('my-tools', ''), 'library-name', /underscores/],
  ['a path for a name', () => Library.fromCode('../x', ''), 'library-name', /underscores/],
  ['a digit first', () => Library.fromCode('2x', ''), 'library-name', /digit/],
])('%s', (_, make, code, hint) => {
  const error = thrownBy(make)
  expect(error.code).toBe(code)
  expect(error.hint ?? '').toMatch(hint)
})

test('a workspace has defaults, and refuses what it does not know', () => {
  expect(new Workspace()).toMatchObject({ libraries: [], preloadModels: true, hiddenModelLoading: true })
  expect(() => new Workspace({ librarys: [] } as never)).toThrow(/did you mean "libraries"/)
  expect(() => new Workspace({ libraries: [{ name: 'x', code: '' }] } as never)).toThrow(
    /libraries\.0: is not a Library/,
  )
})
