import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { openLiveFile, readLiveFiles } from './live-file.ts'
import { processStartTime } from './process-identity.ts'

const schema = z.object({ said: z.string() })
const said = () => readLiveFiles('try', schema).map((value) => value.said)
let folder: string
beforeEach(() => {
  const root = temporaryFolder('seer-live-')
  mkdirSync(join(root, 'r'), { mode: 0o700 })
  vi.stubEnv('XDG_RUNTIME_DIR', join(root, 'r'))
  onTestFinished(() => void vi.unstubAllEnvs())
  folder = join(root, 'r/seer/try')
})

const own = () => ({ pid: process.pid, startTime: processStartTime(process.pid) })
const plant = (name: string, value: unknown, mode = 0o600) => {
  const path = join(folder, name)
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value), { mode })
  return path
}

test('what is written is read until it is removed, and nobody else can', () => {
  const one = openLiveFile('try')
  one.write({ said: 'a' })
  one.write({ said: 'b' })
  const other = openLiveFile('try')
  other.write({ said: 'c' })
  expect(said().toSorted()).toEqual(['b', 'c'])
  for (const name of readdirSync(folder)) expect(lstatSync(join(folder, name)).mode & 0o777).toBe(0o600)
  expect(lstatSync(folder).mode & 0o777).toBe(0o700)
  one.remove()
  one.remove()
  expect(said()).toEqual(['c'])
  other.remove()
  expect(readdirSync(folder)).toEqual([])
})

test('who has lost its runtime folder still finds those of the usual places', () => {
  vi.stubEnv('XDG_RUNTIME_DIR', undefined)
  const one = openLiveFile('try')
  onTestFinished(() => one.remove())
  one.write({ said: 'elsewhere' })
  expect(said()).toContain('elsewhere')
})

test.each<[string, () => unknown]>([
  ['of a process that has gone', () => plant('aa.json', { said: 'x', writer: { pid: 2 ** 22 + 1, startTime: '1' } })],
  ['of another process with that number', () => plant('aa.json', { said: 'x', writer: { ...own(), startTime: '1' } })],
  ['of nobody', () => plant('aa.json', { said: 'x' })],
  ['that is no JSON', () => plant('aa.json', '{"said')],
  ['that is null', () => plant('aa.json', 'null')],
  ['that says something else', () => plant('aa.json', { said: 1, writer: own() })],
  ['that others can read', () => plant('aa.json', { said: 'x', writer: own() }, 0o644)],
  ['of another name', () => plant('x.json', { said: 'x', writer: own() })],
  ['that is a link', () => symlinkSync(plant('x.json', { said: 'x', writer: own() }), join(folder, 'aa.json'))],
  ['that is a folder', () => mkdirSync(join(folder, 'aa.json'))],
  ['that is very large', () => plant('aa.json', { said: 'x'.repeat(5_000_000), writer: own() })],
  ...(userInfo().uid === 0
    ? [
        ['of another user', () => chownSync(plant('aa.json', { said: 'x', writer: own() }), 12_345, 12_345)] satisfies [
          string,
          () => unknown,
        ],
      ]
    : []),
])('a file %s is passed over', (_, spoil) => {
  const one = openLiveFile('try')
  one.write({ said: 'good' })
  spoil()
  expect(said()).toEqual(['good'])
  one.remove()
})

test('nor is anything read in a folder that others can look into', () => {
  const one = openLiveFile('try')
  one.write({ said: 'x' })
  chmodSync(folder, 0o755)
  expect(said()).toEqual([])
  one.remove()
})

test('a process that exits leaves none; one that is killed leaves it to the next', async () => {
  const code = `import { openLiveFile } from ${JSON.stringify(join(import.meta.dirname, 'live-file.ts'))}
openLiveFile('try').write({ said: 'child' })
console.log('written')
if (process.argv[1] === 'stay') setInterval(() => undefined, 1000)`
  const start = (how: string) =>
    spawn(process.execPath, ['--input-type=module', '-e', code, how], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(start('end'), 'close')
  expect(readdirSync(folder)).toEqual([])
  const staying = start('stay')
  await once(staying.stdout, 'data')
  expect(said()).toEqual(['child'])
  staying.kill('SIGKILL')
  await once(staying, 'close')
  expect(said()).toEqual([])
  const [left] = readdirSync(folder)
  const next = openLiveFile('try')
  expect(existsSync(join(folder, left!))).toBe(false)
  next.remove()
})
