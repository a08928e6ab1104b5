import { existsSync, readFileSync } from 'node:fs'
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
