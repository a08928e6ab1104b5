import { execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { MAX_BYTES, MAX_FILES, readFolder } from './read-folder.ts'

const read = (folder: string) => readFolder(folder, 'The thing', 'thing-file')

test('up to its limits, and no further', () => {
  const many = newFolder()
  for (let i = 0; i < MAX_FILES; i++) writeFileSync(join(many, `f${i}`), '')
  expect(read(many)).toHaveLength(MAX_FILES)
  writeFileSync(join(many, 'more'), '')
  expect(thrownBy(() => read(many)).message).toMatch(/larger than 2000 files and 64\.0 MB/)

  const large = newFolder()
  writeFileSync(join(large, 'a'), 'x')
  truncateSync(join(large, 'a'), MAX_BYTES + 1)
  expect(thrownBy(() => read(large))).toMatchObject({ code: 'thing-file', hint: expect.stringContaining('localDirs') })
})

test.each<[string, (folder: string) => void, RegExp]>([
  ['a pipe', (folder) => void execFileSync('mkfifo', [join(folder, 'pipe')]), /no file: pipe/],
  ['a line break in a name', (folder) => writeFileSync(join(folder, 'a\nb'), ''), /cannot travel: "a\\nb"/],
  [
    'a name that is no text',
    (folder) => mkdirSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])])),
    /cannot travel/,
  ],
])('refused: %s', (_, make, message) => {
  const folder = newFolder()
  make(folder)
  expect(thrownBy(() => read(folder)).message).toMatch(message)
})
