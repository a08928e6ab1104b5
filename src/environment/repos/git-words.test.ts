import { describe, expect, test } from 'vitest'
import { gitFailure, isBrokenCopy } from './git-errors.ts'
import { parseAnswer, wantedNames } from './ls-remote.ts'
import { sourceOfRepo } from './repo-source.ts'

const source = sourceOfRepo('https://host.example/org/repo')
const failed = (stderr: string) => ({ exitCode: 128, stdout: '', stderr })

describe('what git 2.39 says becomes what to do', () => {
  test.each([
    ["fatal: could not read Username for 'https://host.example': terminal prompts disabled", 'repo-refused', /login/],
    ["remote: Invalid username\nfatal: Authentication failed for 'https://host.example/'", 'repo-refused', /login/],
    [
      'git@host.example: Permission denied (publickey).\nfatal: Could not read from remote repository.',
      'repo-refused',
      /login/,
    ],
    [
      'Host key verification failed.\nfatal: Could not read from remote repository.',
      'repo-refused',
      /not known to ssh/,
    ],
    [
      "fatal: unable to access 'https://host.example/': The requested URL returned error: 403",
      'repo-refused',
      /refuses/,
    ],
    ["fatal: detected dubious ownership in repository at '/srv/x'", 'repo-refused', /another user/],
    ["fatal: repository 'https://host.example/org/repo/' not found", 'repo-missing', /no git repository/],
    [
      "fatal: '/nowhere' does not appear to be a git repository\nfatal: Could not read from remote repository.",
      'repo-missing',
      /no git/,
    ],
    [
      "fatal: unable to access 'https://host.example/': Could not resolve host: host.example",
      'repo-unreachable',
      /reached/,
    ],
    [
      'ssh: connect to host 127.0.0.1 port 9: Connection refused\nfatal: Could not read from remote repository.',
      'repo-unreachable',
      /reached/,
    ],
    [
      "fatal: unable to access 'https://127.0.0.1:9/x/': Failed to connect to 127.0.0.1 port 9",
      'repo-unreachable',
      /reached/,
    ],
    ['fatal: something else entirely', 'repo-failed', /git ended with 128 while asking/],
  ])('%j', (stderr, code, words) => {
    const error = gitFailure(source, 'asking', failed(stderr))
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) })
    expect(error.message).toContain(stderr.split('\n').at(-1))
  })

  test('the other side’s words cannot write to the terminal', () => {
    const { message } = gitFailure(source, 'asking', failed('remote: \x1b]0;title\x07\x9b2Jhello\r\nfatal: no'))
    expect(message).toContain('hello')
    expect(message).not.toMatch(/[^\P{Cc}\n]/u)
  })

  test.each([
    ["fatal: Unable to create '/c/x.git/shallow.lock': File exists.", true],
    ['error: object file ./objects/ab/cd is empty', true],
    ['fatal: bad object refs/heads/main', true],
    ["fatal: couldn't find remote ref refs/heads/x", false],
    ["fatal: unable to access 'https://host.example/': Could not resolve host: host.example", false],
  ])('%j: the copy in the cache is broken: %s', (stderr, is) => expect(isBrokenCopy(failed(stderr))).toBe(is))
})

describe('what a repository answers', () => {
  const one = '1'.repeat(40)
  const two = '2'.repeat(40)

  test('its own branch, with its name', () => {
    expect(parseAnswer(`ref: refs/heads/trunk\tHEAD\n${one}\tHEAD\n`, undefined)).toEqual({ id: one, branch: 'trunk' })
    expect(parseAnswer(`${one}\tHEAD\n`, undefined)).toEqual({ id: one })
    expect(parseAnswer('', undefined)).toBeUndefined()
  })

  test('a branch before a tag, and never another that only ends the same', () => {
    const answer = `${one}\trefs/tags/x\n${two}\trefs/heads/x\n`
    expect(parseAnswer(answer, 'x')).toEqual({ id: two })
    expect(parseAnswer(`${one}\trefs/heads/refs/heads/x\n`, 'x')).toBeUndefined()
    expect(parseAnswer(`${one}\trefs/pull/1/head\n`, 'refs/pull/1/head')).toEqual({ id: one })
    expect(wantedNames('refs/pull/1/head')).toEqual(['refs/pull/1/head'])
  })
})
