/** `seer env`, with a sandbox that lives. The cache is this test's own: a copy of the real environment, made of links. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { newPlace } from './fixtures/place.ts'
import { ownState, startTried } from './fixtures/walled.ts'

const roots: string[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

test('an environment is not removed while a sandbox uses it', async () => {
  const real = await ensureEnvironment()
  const cache = mkdtempSync(join(tmpdir(), 'seer-cache-'))
  roots.push(cache, ownState())
  mkdirSync(join(cache, 'environments'))
  const copy = join(cache, 'environments', real.id)
  execFileSync('sh', ['-c', 'cp -al "$1" "$2" 2> /dev/null || cp -a "$1" "$2"', '-', real.path, copy])
  vi.stubEnv('SEER_CACHE', cache)
  await using place = newPlace()
  const env = { ...process.env }
  const seer = async (...args: string[]) => {
    const { code, stdout, stderr } = await place.seer(['env', ...args], { env }).ended
    return { code, said: stdout + stderr }
  }

  {
    await using tried = await startTried({ unconfined: false })
    const { sandboxId } = tried.sandbox
    expect(tried.start.environment).toBe(real.id)
    expect(await seer('ls')).toMatchObject({
      code: 0,
      said: expect.stringMatching(`${real.id}  the standard one, used by ${sandboxId}`),
    })
    expect(await seer('rm', real.id)).toMatchObject({
      code: 1,
      said: expect.stringContaining(`is used by ${sandboxId}`),
    })
    expect(await seer('rm', '--unused')).toMatchObject({ code: 0, said: 'There is nothing to remove.\n' })
    expect(await tried.says('import torch; print(torch.__version__ > "2")')).toBe('True')
  }
  expect(await seer('ls')).toMatchObject({ said: expect.not.stringContaining('used by') })
  expect(await seer('rm', real.id.slice(0, 6))).toMatchObject({
    code: 0,
    said: expect.stringContaining(`Removed ${real.id}`),
  })
  expect(await seer('ls', '--json')).toMatchObject({ said: expect.stringContaining('"environments":0') })
  expect([existsSync(copy), existsSync(real.python)]).toEqual([false, true])
  expect(await seer('rm', real.id)).toMatchObject({ code: 2, said: expect.stringContaining('There is no environment') })
})
