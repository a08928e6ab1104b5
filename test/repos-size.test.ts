import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fetchRepos } from '../src/environment/repos/fetch-repo.ts'
import { withMirror } from '../src/environment/repos/mirror.ts'
import { sourceOfRepo } from '../src/environment/repos/repo-source.ts'
import { readTree } from '../src/environment/repos/tree.ts'
import { makeRepo } from './fixtures/git-repo.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seer-repos-'))
  vi.stubEnv('SEER_CACHE', join(root, 'cache'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

const refusal = (url: string): Promise<unknown> =>
  fetchRepos([{ url }], {}).then(
    () => 'it was taken',
    (error: unknown) => error,
  )

describe('a small repository that stands for far too much is refused before any of it is written', () => {
  /** Names for the same entry, 20 times. */
  function tree(path: string, entry: string): string {
    const input = Array.from({ length: 20 }, (_, i) => `${entry}\t${i + 10}`).join('\n')
    return execFileSync('git', ['mktree'], { cwd: path, input, encoding: 'utf8' }).trim()
  }

  /** A commit of `depth` folders in each other, each with 20 names for the next. */
  function bomb(content: string, depth: number): string {
    const repo = makeRepo('bomb')
    repo.commit({ content })
    let id = repo.git('rev-parse', 'HEAD:content')
    for (let level = 0; level < depth; level += 1)
      id = tree(repo.path, `${level === 0 ? '100644 blob' : '040000 tree'} ${id}`)
    repo.git('update-ref', 'refs/heads/trunk', repo.git('commit-tree', '-m', 'x', id))
    return repo.path
  }

  test('3.2 million files', async () => {
    expect(await refusal(bomb('x', 5))).toMatchObject({
      code: 'repo-too-large',
      message: expect.stringMatching(
        /bomb is too large at commit [0-9a-f]{12}: .* 200,001 files.* at most 200,000 of 8\.6 GB/,
      ),
    })
  })

  test('9.6 GB in 400 files', async () => {
    expect(await refusal(bomb('x'.repeat(24_000_000), 2))).toMatchObject({
      code: 'repo-too-large',
      message: expect.stringMatching(/ 37\d files, folders and links of 8\.6 GB together/),
    })
  })

  test('a large one within the limits is taken', async () => {
    const { entries, bytes } = await withMirror(sourceOfRepo(bomb('four', 3)), {}, async (mirror) => {
      await mirror.fetch(['+refs/heads/*:refs/heads/*'], () => undefined)
      return readTree(mirror, 'trunk', sourceOfRepo('a/b'))
    })
    expect([entries, bytes]).toEqual([20 + 400 + 8000, 4 * 8000])
  })
})
