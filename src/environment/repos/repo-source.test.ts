import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkRepos, type ParsedRepoConfig } from './repo-config.ts'
import { sourceOfRepo, withoutLogins } from './repo-source.ts'

test.each([
  ['nickjiang2378/interp_embed', 'interp_embed', 'https://github.com/nickjiang2378/interp_embed'],
  ['https://github.com/org/repo', 'repo', 'https://github.com/org/repo'],
  ['https://github.com/org/repo.git/', 'repo', 'https://github.com/org/repo.git'],
  ['https://host.example:8443/a/b/My-Repo.v2.git', 'My-Repo.v2', 'https://host.example:8443/a/b/My-Repo.v2.git'],
  ['ssh://git@host.example:22/a/b.git', 'b', 'ssh://git@host.example:22/a/b.git'],
  ['git@github.com:org/repo.git', 'repo', 'git@github.com:org/repo.git'],
  ['work:repo', 'repo', 'work:repo'],
  ['git://host.example/repo', 'repo', 'git://host.example/repo'],
])('%s', (url, name, remote) => {
  expect(sourceOfRepo(url)).toEqual({ name, remote, shown: remote, login: undefined })
})

test.each([
  ['./some/folder', 'folder', resolve('some/folder')],
  ['../folder/', 'folder', resolve('../folder')],
  ['/home/me/repo.git', 'repo', '/home/me/repo.git'],
  ['/home/me/repo/.git', 'repo', '/home/me/repo/.git'],
  ['~/repo', 'repo', `${homedir()}/repo`],
  ['file:///home/me/my%2Drepo', 'my-repo', '/home/me/my-repo'],
])('of the folder %s only its own name is told', (url, name, remote) => {
  const source = sourceOfRepo(url)
  expect(source).toMatchObject({ name, remote })
  expect(source.shown).not.toContain('/')
})

test('a login goes to git, and nowhere else', () => {
  const source = sourceOfRepo('https://me:s3cr%40t@host.example/org/repo')
  expect(source.login).toEqual({ username: 'me', password: 's3cr@t' })
  expect(source.remote).not.toContain('s3cr%40t')
  expect(source.shown).toBe('https://host.example/org/repo')
  expect(sourceOfRepo('https://ghp_token@github.com/org/repo')).toMatchObject({
    login: { username: 'ghp_token', password: '' },
    shown: 'https://github.com/org/repo',
  })
})

test('what is written down of a configuration holds no login', () => {
  const repos = [{ url: 'https://me:s3cret@host.example/org/repo', install: 'x' }, { url: 'org/other' }]
  expect(withoutLogins({ repos, timeout: 60 })).toEqual({
    repos: [{ url: 'https://host.example/org/repo', install: 'x' }, { url: 'https://github.com/org/other' }],
    timeout: 60,
  })
})

describe('refused before git is asked', () => {
  test.each([
    ['--upload-pack=touch /tmp/x'],
    ['-x'],
    ['ext::sh -c id'],
    ['ext::id'],
    ['https://host.example/a b'],
    ['https://host.example/a\nb'],
    ['ftp://host.example/repo'],
    ['javascript:alert(1)//'],
    ['repo'],
    ['https://host.example/'],
    ['https://host.example/..'],
    ['/'],
    ['git@host:..'],
    ['https://me:s3cret@host.example/-x'],
    ['http://[broken/repo'],
    ['https://%zz@host.example/repo'],
    ['file:///%zz'],
    ['https://a%0Apassword=b@host.example/repo'],
    ['https://host.example/org/repo?private_token=s3cret'],
    ['https://host.example/org/repo#s3cret'],
    ['ssh://git@host.example/org/repo?private_token=s3cret'],
    ['ftp://host.example/org/repo?private_token=s3cret'],
  ])('%j', (url) => {
    const refused = () => sourceOfRepo(url)
    expect(refused).toThrow(
      expect.objectContaining({ code: 'repo-url', message: expect.stringMatching(/^repos\.url/) }),
    )
    expect(refused).not.toThrow(/s3cret/)
  })

  test('a token behind a question mark: the hint says where it belongs', () => {
    expect(() => sourceOfRepo('https://host.example/org/repo?private_token=x')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('credential helper') }),
    )
  })

  const refusals: [ParsedRepoConfig[], string, string][] = [
    [
      [{ url: 'a/x' }, { url: 'https://host.example/x.git' }],
      'repo-name',
      'repos.1: x would lie in /workspace/x, and so does repos.0',
    ],
    [[{ url: 'a/libraries' }], 'repo-name', 'files of Seer'],
    [[{ url: 'a/x', dockerfile: 'docker/Dockerfile' }], 'capability-missing', 'repos.0.dockerfile'],
    [[{ url: 'a/x', install: '  ' }], 'invalid-options', 'repos.0.install'],
    ...['-x', 'a b', 'a..b', 'a~1', 'a^', 'a:b', 'a@{1}', '', '/a', 'a/', '.a', 'a//b', 'a.lock', 'a\nb', 'a*'].map(
      (ref): [ParsedRepoConfig[], string, string] => [[{ url: 'a/x', ref }], 'repo-ref', 'repos.0.ref'],
    ),
  ]
  test.each(refusals)('%j', (repos, code, words) => {
    expect(() => checkRepos(repos)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }))
  })

  test('what is fine is not refused', () => {
    const refs = ['main', 'feature/x-1', 'v1.0', 'refs/pull/12/head', '0123abc', 'release@2']
    expect(() => checkRepos(refs.map((ref, i) => ({ url: `a/x${i}`, ref, install: 'pip install -e .' })))).not.toThrow()
  })
})
