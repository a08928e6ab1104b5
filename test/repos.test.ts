/** Repositories in a sandbox, behind the wall and as its code finds them. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readEvents } from '../src/run/log-reader.ts'
import type { EventOf, EventType, RunEvent, UnknownEvent } from '../src/run/events.ts'
import { makeRepo, type TestRepo } from './fixtures/git-repo.ts'
import { Run } from '../src/run/run.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { ownState, startTried, type Tried } from './fixtures/walled.ts'

let root: string
beforeAll(() => {
  root = ownState()
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

const PYPROJECT = (name: string) => `[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "${name}"
version = "0.1"
`

function of<T extends EventType>(events: readonly (RunEvent | UnknownEvent)[], type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type)
}

describe.each([
  ['behind the wall', false],
  ['without a wall', true],
])('%s', (_, unconfined) => {
  let tried: Tried
  let plain: TestRepo
  let packaged: TestRepo
  let commits: string[]

  beforeAll(async () => {
    plain = makeRepo('plain_code')
    packaged = makeRepo('packaged-code')
    commits = [
      plain.commit({
        'plain_code/__init__.py': 'depth = 3\n',
        'helper_of_plain.py': 'x = 1\n',
        secret: '-> /etc/shadow',
      }),
      packaged.commit({
        'pyproject.toml': PYPROJECT('packaged-code'),
        'src/packaged_code/__init__.py': 'depth = 4\n',
        // Last on the path: it does not hide the package of this name.
        'json/__init__.py': 'raise RuntimeError("hidden")\n',
        'torch/__init__.py': 'raise RuntimeError("hidden")\n',
      }),
    ]
    tried = await startTried({
      unconfined,
      repos: [
        { url: plain.path },
        { url: packaged.path, ref: 'trunk', install: 'pip install -e . && echo "done: $(pwd)"' },
      ],
    })
  })
  afterAll(() => tried[Symbol.asyncDispose]())

  test('a package at its top can be imported, installed or not, from a kernel and from another Python', async () => {
    const code =
      'import plain_code, helper_of_plain, packaged_code, json, torch; print(plain_code.depth, packaged_code.depth, json.dumps(1))'
    expect(await tried.says(code)).toBe('3 4 1')
    expect((await tried.sandbox.execPython(code)).trim()).toBe('3 4 1')
    expect(await tried.says('from importlib.metadata import version; print(version("packaged-code"))')).toBe('0.1')
  })

  test('an edit of what was installed is seen by the next Python', async () => {
    await tried.sandbox.exec(`echo 'depth = 5' > packaged-code/src/packaged_code/__init__.py`)
    expect((await tried.sandbox.execPython('import packaged_code; print(packaged_code.depth)')).trim()).toBe('5')
    expect(await tried.sandbox.exec('git -C packaged-code diff --stat')).toContain('1 file changed')
  })

  test('its files are the sandbox’s own, and the handles say what they are', async () => {
    const { sandbox } = tried
    const at = sandbox.workspacePath
    expect(sandbox.repoHandles).toEqual([
      {
        name: 'plain_code',
        url: 'plain_code',
        ref: 'trunk',
        commit: commits[0],
        path: `${at}/plain_code`,
        isInstalled: false,
      },
      {
        name: 'packaged-code',
        url: 'packaged-code',
        ref: 'trunk',
        commit: commits[1],
        path: `${at}/packaged-code`,
        isInstalled: true,
      },
    ])
    expect(
      await sandbox.exec('git -C plain_code log --format=%H && touch plain_code/new && readlink plain_code/secret'),
    ).toBe(`${commits[0]}\n/etc/shadow\n`)
  })

  test('the log has the commits, and what the install printed', async () => {
    const { events } = await readEvents(join(tried.run.folder, 'events.jsonl'))
    const at = tried.sandbox.workspacePath
    expect(of(events, 'sandbox-start')[0]?.repos).toEqual([
      { url: 'plain_code', commit: commits[0], path: `${at}/plain_code` },
      { url: 'packaged-code', commit: commits[1], path: `${at}/packaged-code` },
    ])
    const started = of(events, 'process-start').find(({ purpose }) => purpose === 'install of packaged-code')
    expect(started).toMatchObject({ by: 'setup', cwd: `${at}/packaged-code` })
    const ended = of(events, 'process-end').find(({ process }) => process === started?.process)
    expect(ended).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/Successfully installed packaged-code[^]*done: .*packaged-code/),
    })
  })

  test('with its snapshot they are as the agent left them, and are not installed again', async () => {
    const snapshot = await tried.sandbox.snapshot(`repos ${unconfined}`)
    const run = Run.create(newFolder(), { ...START, confinement: unconfined ? 'none' : 'bubblewrap' })
    const repos = [{ url: packaged.path, install: 'echo installed again; exit 1' }]
    const options = { run, progress: () => undefined }
    await using again = await Sandbox.fromSnapshot(snapshot, { unconfined, repos }, options)
    expect((await again.execPython('import packaged_code; print(packaged_code.depth)')).trim()).toBe('5')
    const { events } = await readEvents(join(run.folder, 'events.jsonl'))
    expect(of(events, 'notice-add').map(({ code, text }) => [code, text])).toContainEqual([
      'repo-not-whole',
      expect.stringContaining('packaged-code comes with the snapshot'),
    ])
    await again.terminate()
    await run.end('completed')
  })

  test('an agent is told of them', () => {
    expect(tried.session.modelInfoText).toContain(
      `The folder \`plain_code\` holds the git repository plain_code, commit ${commits[0]!.slice(0, 12)}. Python can import what lies in it.`,
    )
  })
})

describe('an install that fails', () => {
  test.each([
    [
      'exit',
      'echo first; printf "\\033[31mlast words\\033[0m" >&2; exit 3',
      /ended with exit code 3:\n {4}first\n {4}last words/,
      /by \/bin\/sh/,
    ],
    ['fetches', 'pip install no-such-package-of-anyone', /No matching distribution/, /no network.*pythonPackages/],
    ['builds', 'pip install -e .', /ended with exit code/, /the package of `hatchling`/],
  ])('%s: the sandbox does not start, and the error says what to do', async (_, install, message, hint) => {
    const repo = makeRepo()
    repo.commit({ 'pyproject.toml': PYPROJECT('x').replaceAll(/setuptools[^"]*/g, 'hatchling') })
    const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
    const shown: string[] = []
    const progress = ({ step, message }: { step: string; message: string }) => void shown.push(`${step}: ${message}`)
    const error = await Sandbox.start({ repos: [{ url: repo.path, install }] }, { run, progress }).catch(
      (why: unknown) => why,
    )
    expect(error).toMatchObject({
      code: 'repo-install',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
    expect(readdirSync(join(root, 'state/seer/sandboxes'))).toEqual([])
    expect(shown.filter((line) => line.startsWith('install of tiny_repo: ')).length).toBeGreaterThan(1)
    const { events } = await readEvents(join(run.folder, 'events.jsonl'))
    expect(of(events, 'sandbox-end')[0]?.reason).toContain('the install of tiny_repo')
    await run.end('failed')
  })
})
