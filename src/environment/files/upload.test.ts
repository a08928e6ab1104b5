import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bareMachine, stateOfTest, type BareMachine } from '../../../test/fixtures/bare-machine.ts'
import { newFolder } from '../../../test/fixtures/memory-run.ts'
import { readGivenFiles } from './files-record.ts'
import { upload } from './upload.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

let state: Disposable
let one: BareMachine
let data: string
beforeEach(async () => {
  state = stateOfTest()
  one = await bareMachine({ secrets: { TOKEN: 'hush-hush-hush' } })
  data = join(newFolder(), 'data')
  mkdirSync(join(data, 'b'), { recursive: true })
  writeFileSync(join(data, 'a.csv'), 'a')
  writeFileSync(join(data, 'b/run.sh'), 'b', { mode: 0o755 })
})
afterEach(async () => {
  await one[Symbol.asyncDispose]()
  state[Symbol.dispose]()
})
const put = (from: string, to: string) => upload({ id: one.machine.id, machine: one.machine, run: one.run }, from, to)

test('a folder becomes what was named, with who may be executed; the run says which bytes it was', async () => {
  writeFileSync(join(data, '.env'), 'KEY=1')
  const sum = sha256(`${sha256('a')}  a.csv\n${sha256('b')}  b/run.sh\n`)
  const given = { files: 2, bytes: 2, sha256: sum, leftOut: ['.env'] }
  expect(await put(data, '/workspace/in/data')).toEqual(given)
  const at = join(one.workspace, 'in/data')
  expect(readdirSync(at, { recursive: true }).map(String).sort()).toEqual(['a.csv', 'b', 'b/run.sh'])
  expect([statSync(join(at, 'b/run.sh')).mode & 0o777, statSync(join(at, 'a.csv')).mode & 0o777]).toEqual([
    0o755, 0o644,
  ])
  expect(readGivenFiles(one.run.folder)).toEqual([
    { sandbox: one.machine.id, from: data, to: '/workspace/in/data', ...given },
  ])
})

test('a file: its own hash; what is there is replaced; two at once are both kept in the record', async () => {
  await Promise.all([put(join(data, 'a.csv'), 'x'), put(join(data, 'b/run.sh'), 'y')])
  expect(await put(join(data, 'b/run.sh'), 'x')).toEqual({ files: 1, bytes: 1, sha256: sha256('b'), leftOut: [] })
  expect(readFileSync(join(one.workspace, 'x'), 'utf8')).toBe('b')
  expect(
    readGivenFiles(one.run.folder)
      .map(({ to }) => to)
      .sort(),
  ).toEqual(['x', 'x', 'y'])
})

test('the record hides secrets, as all that a run writes', async () => {
  writeFileSync(join(data, 'hush-hush-hush'), 'x')
  await put(join(data, 'hush-hush-hush'), 'x')
  expect(readFileSync(join(one.run.folder, 'source/local-files.json'), 'utf8')).not.toContain('hush')
})

test.each([
  ['through a link', () => 'link/new', 'file-outside'],
  ['above', () => '../new', 'file-outside'],
  ['elsewhere in the sandbox', () => '/data', 'file-outside'],
  ['into a folder without a name', () => 'in/', 'invalid-options'],
])('nothing is put %s', async (_, to, code) => {
  const elsewhere = newFolder()
  symlinkSync(elsewhere, join(one.workspace, 'link'))
  await expect(put(join(data, 'a.csv'), to())).rejects.toMatchObject({ code, hint: /\w/ })
  expect([readdirSync(elsewhere), readGivenFiles(one.run.folder)]).toEqual([[], []])
})

test('a large file goes through in pieces', async () => {
  const large = join(data, 'large')
  writeFileSync(large, Buffer.alloc(150 * 1024 * 1024, 'x'))
  const before = process.memoryUsage.rss()
  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)
  await put(large, 'large')
  clearInterval(watch)
  expect(statSync(join(one.workspace, 'large')).size).toBe(150 * 1024 * 1024)
  expect(peak).toBeGreaterThan(0)
  expect((peak - before) / 1024 / 1024).toBeLessThan(100)
})
