/** Repositories on this machine: what is taken, from where, and that nothing of them is run. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkOut } from '../src/environment/repos/check-out.ts'
import { fetchRepos, type FetchedRepo } from '../src/environment/repos/fetch-repo.ts'
import { mirrorFolder } from '../src/environment/repos/mirror.ts'
import type { ParsedRepoConfig } from '../src/environment/repos/repo-config.ts'
import { makeRepo } from './fixtures/git-repo.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seer-repos-'))
  vi.stubEnv('SEER_CACHE', join(root, 'cache'))
  vi.stubEnv('HOME', root)
  vi.stubEnv('XDG_CONFIG_HOME', join(root, 'config'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

async function fetchOne(repo: ParsedRepoConfig, context = {}): Promise<FetchedRepo> {
  return (await fetchRepos([repo], context))[0]!
}

async function refusal(repo: ParsedRepoConfig, context = {}): Promise<unknown> {
  return fetchOne(repo, context).then(
    () => 'it was taken',
    (error: unknown) => error,
  )
}

/** Every file below a folder, as text. */
function allText(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

describe('which commit', () => {
  test('its own branch, another, a tag of either kind, a commit whole or begun', async () => {
    const repo = makeRepo()
    const one = repo.commit({ 'a.txt': '1' })
    repo.git('tag', 'light')
    repo.git('tag', '--annotate', '--message', 'words', 'v1')
    repo.git('branch', 'side')
    const two = repo.commit({ 'a.txt': '2' })
    const cases: [string | undefined, string, string][] = [
      [undefined, 'trunk', two],
      ['trunk', 'trunk', two],
      ['side', 'side', one],
      ['light', 'light', one],
      ['v1', 'v1', one],
      [one, one, one],
      [one.slice(0, 9), one.slice(0, 9), one],
      ['refs/heads/side', 'refs/heads/side', one],
    ]
    for (const [ref, told, commit] of cases)
      expect(await fetchOne({ url: repo.path, ref })).toMatchObject({ ref: told, commit, notices: [] })
  })

  test('a branch that moved is asked for again, also when it moved back', async () => {
    const repo = makeRepo()
    const one = repo.commit({ 'a.txt': '1' })
    expect((await fetchOne({ url: repo.path })).commit).toBe(one)
    const two = repo.commit({ 'a.txt': '2' })
    expect((await fetchOne({ url: repo.path })).commit).toBe(two)
    repo.git('reset', '--quiet', '--hard', one)
    expect((await fetchOne({ url: repo.path })).commit).toBe(one)
  })

  test('a commit that no branch has any more, by its whole name', async () => {
    const repo = makeRepo()
    repo.commit({ 'a.txt': '1' })
    const lost = repo.commit({ 'a.txt': '2' })
    repo.git('reset', '--quiet', '--hard', 'HEAD~')
    expect((await fetchOne({ url: repo.path, ref: lost })).commit).toBe(lost)
  })

  test.each(['nothing', '0123456789abcdef0123456789abcdef01234567', '0123456', 'HEAD', 'heads/trunk'])(
    '%s is not there, and that is said',
    async (ref) => {
      const repo = makeRepo()
      repo.commit({ 'a.txt': '1' })
      expect(await refusal({ url: repo.path, ref })).toMatchObject({ code: 'repo-ref' })
    },
  )

  test('an empty repository, and a folder that is none', async () => {
    expect(await refusal({ url: makeRepo().path })).toMatchObject({ code: 'repo-empty' })
    expect(await refusal({ url: root })).toMatchObject({ code: 'repo-missing' })
    expect(await refusal({ url: join(root, 'nowhere') })).toMatchObject({ code: 'repo-missing' })
  })
})

describe('without a way to the repository', () => {
  /** A host that cannot be reached: its own name for it, on a port where nobody listens. */
  async function unreachable(remote: string, target: string): Promise<void> {
    // The researcher's own settings say where it really is; then they do not.
    mkdirSync(join(root, 'config/git'), { recursive: true })
    writeFileSync(join(root, 'config/git/config'), `[url "${target}"]\n  insteadOf = ${remote}\n`)
  }

  test('a commit needs none, a branch is taken as it was and says how old, another branch is refused', async () => {
    const repo = makeRepo()
    const one = repo.commit({ 'a.txt': '1' })
    repo.git('branch', 'side')
    const url = 'https://host.invalid/org/tiny_repo'
    await unreachable(url, repo.path)
    expect(await fetchOne({ url })).toMatchObject({ commit: one, ref: 'trunk' })
    await unreachable(url, 'http://127.0.0.1:9/org/tiny_repo')
    expect(await fetchOne({ url, ref: one })).toMatchObject({ commit: one, notices: [] })
    expect(await fetchOne({ url })).toMatchObject({
      commit: one,
      ref: 'trunk',
      notices: [expect.stringMatching(/cannot be reached; its own branch is taken as it was less than two hours ago/)],
    })
    expect(await refusal({ url, ref: 'side' })).toMatchObject({
      code: 'repo-unreachable',
      message: expect.stringContaining('Nothing in the cache says what side'),
    })
  })

  test('one that was never fetched', async () => {
    expect(await refusal({ url: 'http://127.0.0.1:9/org/x' })).toMatchObject({
      code: 'repo-unreachable',
      hint: expect.stringContaining('network'),
    })
  })

  test('no git at all', async () => {
    vi.stubEnv('PATH', root)
    expect(await refusal({ url: 'org/x' })).toMatchObject({ code: 'git-missing' })
  })

  test('an old git', async () => {
    mkdirSync(join(root, 'bin'))
    writeFileSync(join(root, 'bin/git'), '#!/bin/sh\necho git version 2.25.1\n', { mode: 0o755 })
    vi.stubEnv('PATH', `${join(root, 'bin')}:${process.env['PATH']}`)
    expect(await refusal({ url: 'org/x' })).toMatchObject({
      code: 'git-missing',
      message: expect.stringContaining('2.25.1'),
    })
  })
})

describe('a host that asks for a login', () => {
  let server: Server
  let url: string
  const asked: IncomingMessage[] = []
  beforeEach(async () => {
    asked.length = 0
    server = createServer((request, response) => {
      asked.push(request)
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    url = `127.0.0.1:${(server.address() as AddressInfo).port}/org/tiny_repo`
  })
  afterEach(() => void server.close())

  test('is not waited for: the error says what is missing', async () => {
    expect(await refusal({ url: `http://${url}` })).toMatchObject({
      code: 'repo-refused',
      message: expect.stringContaining('login'),
    })
  })

  test('gets the one in the url, by no list of arguments, and nobody else learns it', async () => {
    // Stands before git, and writes down what every process on this machine could see.
    mkdirSync(join(root, 'bin'))
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
    writeFileSync(join(root, 'bin/git'), `#!/bin/sh\necho "$@" >> ${root}/arguments\nexec ${real} "$@"\n`, {
      mode: 0o755,
    })
    vi.stubEnv('PATH', `${join(root, 'bin')}:${process.env['PATH']}`)
    // The researcher's own helper is not told of it.
    writeFileSync(join(root, 'helper'), `#!/bin/sh\necho "$1" >> ${root}/helped\n`, { mode: 0o755 })
    writeFileSync(join(root, '.gitconfig'), `[credential]\n  helper = ${root}/helper\n`)
    const error = await refusal({ url: `http://me:s3cr%40t-word@${url}` })
    expect(error).toMatchObject({ code: 'repo-refused' })
    expect(String(error)).not.toContain('s3cr')
    const given = asked.map(({ headers }) => headers.authorization).filter((header) => header !== undefined)
    expect(given.length).toBeGreaterThan(0)
    expect(new Set(given)).toEqual(new Set([`Basic ${Buffer.from('me:s3cr@t-word').toString('base64')}`]))
    expect(readFileSync(join(root, 'arguments'), 'utf8')).toContain('ls-remote')
    expect(readFileSync(join(root, 'arguments'), 'utf8')).not.toContain('s3cr')
    expect(existsSync(join(root, 'helped'))).toBe(false)
    expect(allText(join(root, 'cache'))).not.toContain('s3cr')
  })

  test('uses the researcher’s own helper otherwise', async () => {
    writeFileSync(join(root, 'helper'), '#!/bin/sh\n[ "$1" = get ] && printf "username=u\\npassword=own-helper\\n"\n', {
      mode: 0o755,
    })
    writeFileSync(join(root, '.gitconfig'), `[credential]\n  helper = ${root}/helper\n`)
    await refusal({ url: `http://${url}` })
    expect(asked.map(({ headers }) => headers.authorization)).toContain(
      `Basic ${Buffer.from('u:own-helper').toString('base64')}`,
    )
  })
})

describe('the files', () => {
  test('are those of the commit, with one commit of history, no address and no name of this machine', async () => {
    const repo = makeRepo()
    repo.commit({ 'secret-answer.txt': 'before' })
    repo.git('rm', '--quiet', 'secret-answer.txt')
    const taken = repo.commit({
      'pkg/__init__.py': 'depth = 3\n',
      'run.sh': '#!/bin/sh\n',
      'to-passwd': '-> /etc/passwd',
    })
    repo.git('update-index', '--chmod=+x', 'run.sh')
    chmodSync(join(repo.path, 'run.sh'), 0o755)
    const commit = repo.commit({}, 'the one')
    repo.commit({ 'later-answer.txt': 'after' })
    const fetched = await fetchOne({ url: repo.path, ref: commit })
    await using files = await checkOut(fetched, root, {})
    const { folder } = files
    expect(readdirSync(folder).toSorted()).toEqual(['.git', 'pkg', 'run.sh', 'to-passwd'])
    expect(readFileSync(join(folder, 'pkg/__init__.py'), 'utf8')).toBe('depth = 3\n')
    expect(lstatSync(join(folder, 'run.sh')).mode & 0o111).not.toBe(0)
    expect(readlinkSync(join(folder, 'to-passwd'))).toBe('/etc/passwd')
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
    expect(git('log', '--all', '--format=%H %s')).toBe(`${commit} the one`)
    expect(git('status', '--short')).toBe('')
    expect(git('remote')).toBe('')
    expect(() => git('cat-file', '-e', taken)).toThrow(/Not a valid object|Command failed/)
    const kept = allText(join(folder, '.git'))
    for (const word of [root, repo.path, mirrorFolder(fetched.source), hostname()]) expect(kept).not.toContain(word)
  })

  test('nothing of a repository is run: no hook, no filter, no template', async () => {
    const ran = join(root, 'ran')
    const touch = `#!/bin/sh\ntouch ${ran}\ncat\n`
    const repo = makeRepo()
    repo.commit({
      '.gitattributes': '* filter=evil\n*.txt filter=lfs\n',
      'a.txt': 'a',
      '.gitconfig': '[core]\n  fsmonitor = x\n',
    })
    for (const hook of [
      'post-checkout',
      'post-upload-pack',
      'pre-upload',
      'reference-transaction',
      'fsmonitor-watchman',
    ])
      writeFileSync(join(repo.path, '.git/hooks', hook), touch, { mode: 0o755 })
    writeFileSync(
      join(repo.path, '.git/config'),
      `${readFileSync(join(repo.path, '.git/config'), 'utf8')}
[core]
  fsmonitor = ${root}/run.sh
[uploadpack]
  packObjectsHook = ${root}/run.sh
[filter "evil"]
  smudge = ${root}/run.sh
  required = true
`,
    )
    // What the researcher has set up for themselves is not for other people's files, either.
    writeFileSync(join(root, 'run.sh'), touch, { mode: 0o755 })
    mkdirSync(join(root, 'template/hooks'), { recursive: true })
    writeFileSync(join(root, 'template/hooks/post-checkout'), touch, { mode: 0o755 })
    mkdirSync(join(root, 'config/git'), { recursive: true })
    writeFileSync(join(root, 'config/git/attributes'), '* filter=lfs\n')
    const settings = `[init]\n  templateDir = ${root}/template\n[core]\n  hooksPath = ${root}/template/hooks\n`
    writeFileSync(join(root, '.gitconfig'), `${settings}[filter "lfs"]\n  smudge = ${root}/run.sh\n  required = true\n`)
    const fetched = await fetchOne({ url: repo.path })
    await using files = await checkOut(fetched, root, {})
    expect(readFileSync(join(files.folder, 'a.txt'), 'utf8')).toBe('a')
    expect(existsSync(ran)).toBe(false)
    // The control: git itself, with these settings, runs them.
    execFileSync('git', ['clone', '--quiet', repo.path, join(root, 'control')], { stdio: 'ignore' })
    expect(existsSync(ran)).toBe(true)
  })

  test('a path into .git or out of the folder is not taken from a tree that somebody forged', async () => {
    const repo = makeRepo()
    repo.commit({ 'a.txt': 'a' })
    const blob = repo.git('hash-object', '-w', 'a.txt')
    const forged = (path: string) => {
      const line = `100755 ${path}\0${Buffer.from(blob, 'hex').toString('latin1')}`
      const file = join(root, 'tree')
      writeFileSync(file, line, 'latin1')
      const inner = repo.git('hash-object', '-w', '--literally', '-t', 'tree', file)
      writeFileSync(file, `40000 .git\0${Buffer.from(inner, 'hex').toString('latin1')}`, 'latin1')
      const tree = path === '..' ? inner : repo.git('hash-object', '-w', '--literally', '-t', 'tree', file)
      return repo.git('commit-tree', '-m', 'x', tree)
    }
    for (const path of ['config', '..']) {
      repo.git('update-ref', 'refs/heads/forged', forged(path))
      const fetched = await fetchOne({ url: repo.path, ref: 'forged' })
      await expect(checkOut(fetched, root, {})).rejects.toMatchObject({ code: 'repo-failed' })
    }
    expect(readdirSync(root).filter((name) => name.startsWith('repo-'))).toEqual([])
  })

  test('submodules and files of LFS are not taken, and that is told', async () => {
    const inner = makeRepo('inner')
    inner.commit({ 'x.txt': 'x' })
    const repo = makeRepo()
    repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.path, 'deps/inner')
    repo.commit({ 'data.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n' })
    const fetched = await fetchOne({ url: repo.path })
    expect(fetched.notices).toEqual([
      expect.stringContaining('"deps/inner"'),
      expect.stringContaining('keeps 1 file with git LFS ("data.bin")'),
    ])
    await using files = await checkOut(fetched, root, {})
    expect(readdirSync(join(files.folder, 'deps/inner'))).toEqual([])
  })
})

describe('the copy in the cache', () => {
  test('two at once fetch it once, and a broken one is made anew', async () => {
    const repo = makeRepo()
    const one = repo.commit({ 'a.txt': '1' })
    const [a, b] = await Promise.all([fetchOne({ url: repo.path }), fetchOne({ url: repo.path })])
    expect([a.commit, b.commit]).toEqual([one, one])
    const mirror = mirrorFolder(a.source)
    expect(lstatSync(mirror).mode & 0o077).toBe(0)
    for (const entry of readdirSync(join(mirror, 'objects'), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        chmodSync(join(entry.parentPath, entry.name), 0o600)
        writeFileSync(join(entry.parentPath, entry.name), '')
      }
    const two = repo.commit({ 'a.txt': '2' })
    const again = await fetchOne({ url: repo.path })
    expect(again.commit).toBe(two)
    await using files = await checkOut(again, root, {})
    expect(readFileSync(join(files.folder, 'a.txt'), 'utf8')).toBe('2')
  })

  test('what another git is doing elsewhere does not count here', async () => {
    const repo = makeRepo()
    const one = repo.commit({ 'a.txt': '1' })
    vi.stubEnv('GIT_DIR', join(root, 'nowhere'))
    vi.stubEnv('GIT_WORK_TREE', root)
    vi.stubEnv('GIT_INDEX_FILE', join(root, 'index'))
    const fetched = await fetchOne({ url: repo.path })
    expect(fetched.commit).toBe(one)
    await using files = await checkOut(fetched, root, {})
    expect(readdirSync(files.folder).toSorted()).toEqual(['.git', 'a.txt'])
  })

  test('stopped in the middle: an abort ends git, and the next one goes on', async () => {
    const repo = makeRepo()
    repo.commit({ 'a.txt': '1' })
    mkdirSync(join(root, 'bin'))
    const slow = '#!/bin/sh\ncase "$*" in *ls-remote*) exec sleep 60;; esac\nexec /usr/bin/env PATH="$REAL" git "$@"\n'
    writeFileSync(join(root, 'bin/git'), slow, { mode: 0o755 })
    vi.stubEnv('REAL', process.env['PATH'])
    vi.stubEnv('PATH', `${join(root, 'bin')}:${process.env['PATH']}`)
    expect(await refusal({ url: repo.path }, { signal: AbortSignal.timeout(500) })).toMatchObject({
      name: 'TimeoutError',
    })
    renameSync(join(root, 'bin/git'), join(root, 'bin/other'))
    expect(await fetchOne({ url: repo.path })).toMatchObject({ ref: 'trunk' })
  })
})
