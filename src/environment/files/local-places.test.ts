import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { newFolder } from '../../../test/fixtures/memory-run.ts'
import { checkLocalPlaces } from './local-places.ts'

let file: string
let folder: string
beforeEach(() => {
  const root = newFolder()
  file = join(root, 'a.csv')
  folder = join(root, 'data')
  mkdirSync(folder)
  writeFileSync(file, 'x')
})

type Pair = [string, string]
const check = (localFiles: Pair[], localDirs: Pair[] = [], isConfined = true) =>
  checkLocalPlaces({ localFiles, localDirs }, { isConfined })

test('folders come first, so that a file may be put into one', async () => {
  const places = await check([[file, '/workspace/data/a.csv']], [[folder, '/workspace/data']])
  expect(places.map(({ target }) => target.path)).toEqual(['data', 'data/a.csv'])
})

test.each<[string, () => [Pair[], Pair[]?, boolean?], string]>([
  ['a file that is not there', () => [[[`${file}x`, 'x']]], 'local-file-missing'],
  ['a folder as a file', () => [[[folder, 'x']]], 'local-file-kind'],
  ['a file as a folder', () => [[], [[file, 'x']]], 'local-file-kind'],
  ['a place of the system', () => [[[file, '/etc/a.csv']]], 'local-file-target'],
  ['a file without a name', () => [[[file, 'data/']]], 'invalid-options'],
  [
    'the same place twice',
    () => [
      [
        [file, 'x'],
        [file, '/workspace/x'],
      ],
    ],
    'local-file-target',
  ],
  [
    'the same place twice, outside',
    () => [
      [
        [file, '/d/x'],
        [file, '/d//x'],
      ],
    ],
    'local-file-target',
  ],
  ['one in the other', () => [[[file, '/d/x']], [[folder, '/d']]], 'local-file-target'],
  [
    'the other in the one',
    () => [
      [],
      [
        [folder, '/d/e'],
        [folder, '/d'],
      ],
    ],
    'local-file-target',
  ],
  ['outside the workspace without a wall', () => [[[file, '/d/x']], [], false], 'capability-missing'],
])('%s is refused before anything starts', async (_, given, code) => {
  await expect(check(...given())).rejects.toMatchObject({ code })
})

test('what is wrong deep in a folder is found before anything starts', async () => {
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  symlinkSync('/etc', join(folder, 'a/b/link'))
  await expect(check([], [[folder, 'x']])).rejects.toMatchObject({ code: 'local-file-link', message: /a\/b\/link/ })
})
