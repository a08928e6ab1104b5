import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sha256Of } from '../../test/fixtures/memory-host.ts'
import { newRun } from '../../test/fixtures/memory-run.ts'
import { resultSaver } from './save-result.ts'

test('a file is copied as what it was saved as; one that was saved again since is not', async () => {
  const run = newRun()
  let file = Buffer.from('first')
  const save = resultSaver({ readFile: () => Promise.resolve(file) }, run)
  const first = sha256Of(file)
  const target = join(run.folder, 'results', 'v.bin')
  file = Buffer.from('second')
  await expect(save('v.bin', first)).rejects.toMatchObject({ code: 'saved-file-changed' })
  expect([existsSync(target), run.artifacts.has(sha256Of(file))]).toEqual([false, false])
  expect(await save('v.bin', sha256Of(file))).toEqual({ sha256: sha256Of(file), bytes: 6 })
  expect(await save('v.bin')).toEqual({ sha256: sha256Of(file), bytes: 6 })
  expect(readFileSync(target, 'utf8')).toBe('second')
  await run.end('completed')
})

test('its bytes are on the disk once, under both names, and nothing is left beside them', async () => {
  const run = newRun()
  const file = Buffer.from('some bytes')
  const save = resultSaver({ readFile: () => Promise.resolve(file) }, run)
  const { sha256 } = await save('v.bin')
  await save('v.bin')
  await save('w.bin')
  const places = [run.artifacts.path(sha256), join(run.folder, 'results/v.bin'), join(run.folder, 'results/w.bin')]
  expect(new Set(places.map((path) => statSync(path).ino)).size).toBe(1)
  expect(readdirSync(join(run.folder, 'results')).sort()).toEqual(['v.bin', 'w.bin'])
  await run.end('completed')
})

test('what would take more of the disk than a run may is refused, and nothing is stored', async () => {
  const run = newRun()
  // It says of itself that it has 21 GiB: so many are not there.
  const file = Object.defineProperty(Buffer.from('x'), 'byteLength', { value: 21 * 1024 ** 3 })
  const save = resultSaver({ readFile: () => Promise.resolve(file) }, run)
  await expect(save('v.bin')).rejects.toMatchObject({ code: 'saves-too-large', message: /20 GiB/ })
  expect([existsSync(join(run.folder, 'results/v.bin')), run.artifacts.has(sha256Of(file))]).toEqual([false, false])
  await run.end('completed')
})
