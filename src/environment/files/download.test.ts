import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bareMachine, stateOfTest, type BareMachine } from '../../../test/fixtures/bare-machine.ts'
import { newFolder } from '../../../test/fixtures/memory-run.ts'
import type { Machine } from '../../sandbox/backend.ts'
import { download } from './download.ts'

let state: Disposable
let one: BareMachine
let local: string
beforeEach(async () => {
  state = stateOfTest()
  one = await bareMachine()
  local = newFolder()
})
afterEach(async () => {
  await one[Symbol.asyncDispose]()
  state[Symbol.dispose]()
})
const inside = (path: string) => join(one.workspace, path)
const listed = (folder: string) => readdirSync(folder, { recursive: true }).map(String).sort()

test('a folder becomes one that was not there, with its parents; a file keeps whether it may be executed', async () => {
  mkdirSync(inside('out/deep/empty'), { recursive: true })
  writeFileSync(inside('out/a'), 'aa', { mode: 0o640 })
  writeFileSync(inside('out/deep/run'), 'b', { mode: 0o4755 })
  const target = join(local, 'new/here')
  expect(await download(one.machine, '/workspace/out', target)).toEqual({
    files: 2,
    bytes: 3,
    skipped: [],
    changed: [],
  })
  expect(listed(local)).toEqual([
    'new',
    'new/here',
    'new/here/a',
    'new/here/deep',
    'new/here/deep/empty',
    'new/here/deep/run',
  ])
  expect(statSync(join(target, 'deep/run')).mode & 0o7777).toBe(0o755)
  expect(statSync(join(target, 'a')).mode & 0o111).toBe(0)
})

test('a file, also in the place of a file; an empty folder; into an empty folder', async () => {
  mkdirSync(inside('none'))
  writeFileSync(inside('f'), 'new')
  writeFileSync(join(local, 'f'), 'old')
  expect(await download(one.machine, 'f', join(local, 'f'))).toMatchObject({ files: 1, bytes: 3 })
  expect(readFileSync(join(local, 'f'), 'utf8')).toBe('new')
  mkdirSync(join(local, 'empty'))
  await download(one.machine, 'none', join(local, 'empty'))
  await download(one.machine, 'none', join(local, 'other'))
  expect(listed(local)).toEqual(['empty', 'f', 'other'])
})

test('a file does not take the place of a link’s target, nor a folder that of anything', async () => {
  mkdirSync(inside('out'))
  writeFileSync(inside('out/f'), 'new')
  mkdirSync(join(local, 'full'))
  writeFileSync(join(local, 'full/mine'), 'mine')
  writeFileSync(join(local, 'file'), 'mine')
  symlinkSync('file', join(local, 'link'))
  for (const [from, to] of [
    ['out', 'full'],
    ['out', 'file'],
    ['out/f', 'full'],
  ] as const)
    await expect(download(one.machine, from, join(local, to))).rejects.toMatchObject({ code: 'download-exists' })
  await download(one.machine, 'out/f', join(local, 'link'))
  expect([readFileSync(join(local, 'file'), 'utf8'), lstatSync(join(local, 'link')).isFile()]).toEqual(['mine', true])
  expect(listed(local)).toEqual(['file', 'full', 'full/mine', 'link'])
})

test('links, pipes and names that act stay where they are, and are told', async () => {
  mkdirSync(inside('out/\u001b[2Jred'), { recursive: true })
  writeFileSync(inside('out/\u001b[2Jred/below'), 'x')
  symlinkSync('/etc/passwd', inside('out/file'))
  symlinkSync('/etc', inside('out/folder'))
  execFileSync('mkfifo', [inside('out/pipe')])
  writeFileSync(inside('out/two\nlines'), 'x')
  writeFileSync(inside('out/\u202egpj.exe'), 'x')
  writeFileSync(Buffer.concat([Buffer.from(inside('out/')), Buffer.from([0xff])]), 'x')
  writeFileSync(inside('out/👩‍💻 ü.txt'), 'x')
  const { files, skipped } = await download(one.machine, 'out', join(local, 'o'))
  expect([files, listed(join(local, 'o'))]).toEqual([1, ['👩‍💻 ü.txt']])
  expect([...skipped].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: '\u001b[2Jred', why: 'its name holds characters that act or hide' },
    { path: '\u001b[2Jred/below', why: 'its folder was not taken' },
    { path: 'file', why: 'it is a link' },
    { path: 'folder', why: 'it is a link' },
    { path: 'pipe', why: 'it is a pipe' },
    { path: 'two\nlines', why: 'its name holds characters that act or hide' },
    { path: '\u202egpj.exe', why: 'its name holds characters that act or hide' },
    { path: '\ufffd', why: 'its name is not text' },
  ])
  for (const path of ['out/file', 'out/folder/passwd', '/etc/passwd', '../x'])
    await expect(download(one.machine, path, join(local, 'x'))).rejects.toMatchObject({ code: 'file-outside' })
  expect(listed(local)).toEqual(['o', 'o/👩‍💻 ü.txt'])
})

test.each([
  ['too many', { maxFiles: 10 }, /more than 10 files/],
  ['too large, though it has no blocks', {}, /more than 8\.6 GB/],
  ['too large together', { maxBytes: 150 }, /more than 150 bytes/],
])('what is %s is an error, and nothing is left', async (what, limits, said) => {
  mkdirSync(inside('out'))
  for (let i = 0; i < 20; i++) writeFileSync(inside(`out/${i}`), 'x'.repeat(10))
  if (what.includes('blocks')) truncateSync(inside('out/0'), 10_000_000_000)
  const error = { code: 'download-too-large', message: said }
  await expect(download(one.machine, 'out', join(local, 'o'), limits)).rejects.toMatchObject(error)
  expect(listed(local)).toEqual([])
})

test('a file that is written to all the time comes, and is told', async () => {
  writeFileSync(inside('log'), 'x'.repeat(100))
  const { trees } = one.machine
  const busy: Machine = {
    ...one.machine,
    trees: {
      ...trees!,
      async *take(path, options) {
        for await (const entry of trees!.take(path, options)) {
          if (entry.kind !== 'file') continue
          yield {
            ...entry,
            async *read() {
              for await (const piece of entry.read()) {
                appendFileSync(inside('log'), 'y')
                yield piece
              }
            },
          }
        }
      },
    },
  }
  expect(await download(busy, 'log', join(local, 'log'))).toMatchObject({ files: 1, changed: [''] })
  expect(readFileSync(join(local, 'log'), 'utf8')).toMatch(/^x{100}y$/)
})

test('a place that cannot be written to, and an abort, leave nothing', async () => {
  mkdirSync(inside('out'))
  writeFileSync(inside('out/f'), 'x')
  writeFileSync(join(local, 'file'), '')
  const failed = { code: 'download-failed', message: /could not be written/ }
  await expect(download(one.machine, 'out', join(local, 'file/below'))).rejects.toMatchObject(failed)
  const signal = AbortSignal.abort()
  await expect(download(one.machine, 'out', join(local, 'o'), { signal })).rejects.toMatchObject({ name: 'AbortError' })
  expect([listed(local), existsSync(join(local, 'o'))]).toEqual([['file'], false])
})
