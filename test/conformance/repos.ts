/** Repositories are there before any session, at a commit that is recorded, and installed behind whatever keeps the sandbox. */
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { makeRepo, type TestRepo } from '../fixtures/git-repo.ts'
import { codeOf } from './started.ts'
import { startAndEnd, type Suite } from './suite.ts'

export function repos(suite: Suite): void {
  const check = suite.checks('trees')
  let repo: TestRepo
  let commits: string[]

  describe('repos', () => {
    beforeAll(() => {
      repo = makeRepo('tiny_repo')
      commits = ['first', 'second'].map((word) => repo.commit({ 'module_of_repo.py': `word = "${word}"\n` }))
    })
    afterAll(() => rmSync(dirname(repo.path), { recursive: true, force: true }))

    check('at the commit that was asked for, to be imported, and recorded', async () => {
      await using one = await suite.start({ repos: [{ url: repo.path, ref: commits[0]! }] })
      expect(await one.says('import module_of_repo\nprint(module_of_repo.word)')).toBe('first')
      const path = `${one.sandbox.workspacePath}/tiny_repo`
      expect(one.sandbox.repoHandles).toMatchObject([{ name: 'tiny_repo', commit: commits[0], path }])
      expect((await one.log()).of('sandbox-start')).toMatchObject([{ repos: [{ commit: commits[0], path }] }])
    })

    check('the install runs in it, and its output is kept', async () => {
      await using one = await suite.start({ repos: [{ url: repo.path, install: 'pwd && ls > installed' }] })
      expect(Buffer.from(await one.sandbox.readFile('tiny_repo/installed')).toString()).toContain('module_of_repo.py')
      const ends = (await one.log()).of('process-end').map(({ stdout }) => stdout)
      expect(ends).toContain(`${one.sandbox.workspacePath}/tiny_repo\n`)
    })

    check('an install that fails, or a repository that is not there, fails the start and leaves nothing', async () => {
      const before = await suite.remains()
      const install = 'echo why it failed >&2; exit 3'
      await expect(startAndEnd(suite, { repos: [{ url: repo.path, install }] })).rejects.toMatchObject({
        code: 'repo-install',
        message: expect.stringContaining('why it failed'),
      })
      expect(await codeOf(startAndEnd(suite, { repos: [{ url: `${repo.path}-absent` }] }))).toMatch(/^repo-/)
      expect(await suite.remains()).toEqual(before)
    })
  })
}
