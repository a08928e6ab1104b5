import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { newFolder } from '../../../../test/fixtures/memory-run.ts'
import { linkPackages } from './package-folder.ts'

const WHEEL = 'leaf-1.0-py3-none-any.whl'
let root: string
let project: string
beforeEach(() => {
  root = newFolder()
  mkdirSync((project = join(root, 'project')))
  writeFileSync(join(project, WHEEL), 'wheel')
})

test('of a folder only the archives of packages, as the same bytes', async () => {
  for (const name of ['.env', 'private.txt', 'answers.zip', 'notes.whl', 'leaf-1.0.whl.txt', 'index.html'])
    writeFileSync(join(project, name), 'secret')
  writeFileSync(join(project, 'leaf-1.0.tar.gz'), 'source')
  writeFileSync(join(root, 'elsewhere'), 'linked')
  symlinkSync('../elsewhere', join(project, 'tree-2.0.zip'))
  symlinkSync('nowhere', join(project, 'gone-1.0.zip'))
  mkdirSync(join(project, 'folder-1.0.zip'))
  writeFileSync(join(project, 'folder-1.0.zip/private.txt'), 'secret')
  execFileSync('mkfifo', [join(project, 'pipe-1.0.zip')])
  const { source, files } = await linkPackages(project, join(root, 'w0'))
  expect(readdirSync(source).sort()).toEqual(['leaf-1.0-py3-none-any.whl', 'leaf-1.0.tar.gz', 'tree-2.0.zip'])
  expect(files).toEqual([])
  expect(statSync(join(source, WHEEL)).ino).toBe(statSync(join(project, WHEEL)).ino)
  expect(statSync(join(source, 'tree-2.0.zip')).ino).toBe(statSync(join(root, 'elsewhere')).ino)
  expect(statSync(source).mode & 0o777).toBe(0o755)
})

/** Another file system than that of temporary files. */
const other = '/dev/shm'
test.runIf(statSync(other, { throwIfNoEntry: false }) && statSync(other).dev !== statSync('/tmp').dev)(
  'on another disk: copied up to a bound, the small ones first, and the rest to be mounted one by one',
  async () => {
    writeFileSync(join(project, 'large-1.0.zip'), 'x'.repeat(100))
    const there = mkdtempSync(join(other, 'seer-test-'))
    onTestFinished(() => rmSync(there, { recursive: true }))
    const { source, files } = await linkPackages(project, join(there, 'w0'), 50)
    expect(files).toEqual([{ name: 'large-1.0.zip', source: join(project, 'large-1.0.zip') }])
    expect(readFileSync(join(source, WHEEL), 'utf8')).toBe('wheel')
    expect(statSync(join(source, 'large-1.0.zip')).size).toBe(0)
  },
)

test.runIf(process.getuid?.() === 0)('root: an archive that only root may read stays out', async () => {
  chmodSync(join(project, WHEEL), 0o640)
  const { source } = await linkPackages(project, join(root, 'w0'))
  expect(readdirSync(source)).toEqual([])
})

test('a folder that is gone meanwhile has no packages', async () => {
  expect(await linkPackages(join(root, 'gone'), join(root, 'w0'))).toEqual({ source: join(root, 'w0'), files: [] })
})
