import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { choosePython } from './choose-python.ts'

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})

/** A program that says of itself what a Python of this version would. */
function python(path: string, version: string): string {
  const at = join(folder, path)
  mkdirSync(dirname(at), { recursive: true })
  const said = JSON.stringify({ executable: at, version, platform: 'linux-x86_64-glibc', hasPip: true })
  writeFileSync(at, `#!/bin/sh\necho '${said}'\n`)
  chmodSync(at, 0o755)
  return at
}

const choose = (wanted: string | undefined) =>
  choosePython(wanted, join(folder, 'cache'), {
    env: { PATH: `${folder}/path:/usr/bin:/bin`, HOME: join(folder, 'home') },
  })

test.each(['pyvenv.cfg', 'conda-meta/history'])(
  'a folder with %s is an environment, and so is its program',
  async (mark) => {
    const program = python('env/bin/python', '3.12.1')
    mkdirSync(dirname(join(folder, 'env', mark)), { recursive: true })
    writeFileSync(join(folder, 'env', mark), '')
    const environment = { kind: 'environment', path: join(folder, 'env') }
    expect(await choose(join(folder, 'env'))).toEqual(environment)
    expect(await choose(program)).toEqual(environment)
    expect(await choose(relative(process.cwd(), join(folder, 'env')))).toEqual(environment)
    symlinkSync(join(folder, 'env'), join(folder, 'current'))
    expect(await choose(join(folder, 'current'))).toEqual(environment)
  },
)

test('an environment whose Python is gone is still one: it is said what is wrong with it', async () => {
  mkdirSync(join(folder, 'env/bin'), { recursive: true })
  writeFileSync(join(folder, 'env/pyvenv.cfg'), '')
  symlinkSync('/none/bin/python', join(folder, 'env/bin/python'))
  const environment = { kind: 'environment', path: join(folder, 'env') }
  expect(await choose(join(folder, 'env/bin/python'))).toEqual(environment)
})

test('an interpreter, by its path', async () => {
  const program = python('opt/bin/python3.12', '3.12.1')
  expect(await choose(program)).toMatchObject({
    kind: 'interpreter',
    python: { executable: program, version: '3.12.1' },
  })
})

test('a version: the one on PATH if it fits, else the newest that pyenv or uv has', async () => {
  const path = python('path/python3.12', '3.12.4')
  const older = python('home/.pyenv/versions/3.12.2/bin/python3.12', '3.12.2')
  const newest = python('home/.local/share/uv/python/cpython-3.12.10-linux-x86_64-gnu/bin/python3.12', '3.12.10')
  python('home/.pyenv/versions/3.12.20-debug/bin/other', '3.12.20')
  python('home/.pyenv/versions/3.1.2/bin/python3.12', '3.1.2')
  const found = async (version: string) => {
    const chosen = await choose(version)
    return chosen.kind === 'interpreter' ? chosen.python.executable : undefined
  }
  expect(await found('3.12')).toBe(path)
  expect(await found('3.12.2')).toBe(older)
  expect(await found('3.12.10')).toBe(newest)
  await expect(choose('3.12.1')).rejects.toMatchObject({
    code: 'setup-python',
    message: expect.stringContaining('no Python 3.12.1 was found'),
    hint: expect.stringContaining('uv python install 3.12.1'),
  })
})

test('nothing chosen: the one that Seer finds by itself', async () => {
  mkdirSync(join(folder, 'cache'))
  const first = python('path/python3.13', '3.13.0')
  expect(await choose(undefined)).toMatchObject({ kind: 'interpreter', python: { executable: first } })
})

test.each<[string, () => string, RegExp, RegExp]>([
  ['a path to nothing', () => join(folder, 'none'), /there is no .*none/, /relative path/],
  ['a name that is no version', () => 'python3.12', /there is no .*python3\.12/, /version \("3\.12"\)/],
  ['half a version', () => '3', /"3" is no version/, /"3\.12"/],
  ['a version that is too old', () => '3.9', /is Python 3\.9, which is too old/, /3\.10/],
  ['an interpreter that is too old', () => python('old', '3.8.1'), /Python 3\.8\.1, which is too old/, /3\.10/],
  ['a folder of something else', () => folder, /neither pyvenv\.cfg nor conda-meta/, /python3 -m venv/],
  [
    'the folder of an interpreter',
    () => dirname(dirname(python('py/bin/python3', '3.12.1'))),
    /neither/,
    /write .*py\/bin\/python3/,
  ],
  ['a file that may not be run', () => file('x', 0o644), /may not be executed/, /\/usr\/bin\/python3/],
  [
    'a program that is no Python',
    () => file('x', 0o755),
    /does not work as a Python interpreter: no such thing/,
    /version/,
  ],
  ['a link to nothing', () => link(), /a link to what is not there/, /version/],
])('%s', async (_, make, message, hint) => {
  await expect(choose(make())).rejects.toMatchObject({
    code: 'setup-python',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  })
})

function file(name: string, mode: number): string {
  writeFileSync(join(folder, name), '#!/bin/sh\necho no such thing >&2; exit 3\n')
  chmodSync(join(folder, name), mode)
  return join(folder, name)
}

function link(): string {
  symlinkSync('/none', join(folder, 'link'))
  return join(folder, 'link')
}
