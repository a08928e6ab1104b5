import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { isOlder, useEnvironment } from './existing-environment.ts'

const needed = ['ipykernel==7.4.0; python_version >= "3.11"', 'ipykernel==7.3.0; python_version < "3.11"', 'pip==26.3']
let folder: string
beforeEach(() => {
  folder = temporaryFolder()
  mkdirSync(join(folder, 'env/bin'), { recursive: true })
})

/** An environment whose Python prints this. */
function says(text: string, exit = 0): void {
  writeFileSync(join(folder, 'env/bin/python'), `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit ${exit}\n`)
  chmodSync(join(folder, 'env/bin/python'), 0o755)
}

function holds(packages: Record<string, string>, { version = '3.12.1', elsewhere = '' } = {}): void {
  const list = Object.entries(packages).map(([name, at]) => ({ name, version: at, elsewhere: null as string | null }))
  if (elsewhere) list[0]!.elsewhere = elsewhere
  says(JSON.stringify({ version, platform: 'linux-x86_64-glibc', packages: list }))
}

const use = (lines = needed) => useEnvironment(join(folder, 'env'), lines, join(folder, 'cache'), {})

test('what it holds is its id and its lock, in whatever order; nothing is written into it', async () => {
  holds({ ipykernel: '7.4.0', Pip: '26.3', 'My.Own': '1.0+local' })
  const { id, lock, python } = await use()
  expect(readFileSync(lock, 'utf8')).toBe('My.Own==1.0+local\nPip==26.3\nipykernel==7.4.0\n')
  expect(python).toBe(join(folder, 'env/bin/python'))
  holds({ 'My.Own': '1.0+local', Pip: '26.3', ipykernel: '7.4.0' })
  expect((await use()).id).toBe(id)
  holds({ 'My.Own': '1.1', Pip: '26.3', ipykernel: '7.4.0' })
  expect((await use()).id).not.toBe(id)
  holds({ 'My.Own': '1.0+local', Pip: '26.3', ipykernel: '7.4.0' }, { version: '3.12.2' })
  expect((await use()).id).not.toBe(id)
  expect(readdirSync(join(folder, 'env'))).toEqual(['bin'])
  expect(readdirSync(join(folder, 'cache/locks'))).toHaveLength(3)
})

test.each<[string, () => void, RegExp, string]>([
  [
    'with pip',
    () => holds({ pip: '26.3' }),
    /lacks what Seer needs:\n {4}ipykernel: not installed$/,
    "env/bin/python -m pip install 'ipykernel==7.4.0'",
  ],
  [
    'without pip',
    () => holds({}, { version: '3.10.2' }),
    /ipykernel: not installed\n {4}pip: not installed$/,
    "env/bin/python 'ipykernel==7.3.0' 'pip==26.3'",
  ],
  [
    'one that is too old',
    () => holds({ ipykernel: '6.29.5', pip: '26.3' }),
    /ipykernel: 6\.29\.5, and Seer needs 7\.2 or newer$/,
    "install 'ipykernel==7.4.0'",
  ],
  [
    'one whose code lies elsewhere',
    () => holds({ ipykernel: '7.4.0', pip: '26.3' }, { elsewhere: '/home/me/ipykernel' }),
    /its code lies in \/home\/me\/ipykernel, which a sandbox does not see$/,
    "install 'ipykernel==7.4.0'",
  ],
])('what is missing is named, with the command that mends it: %s', async (_, make, message, hint) => {
  make()
  await expect(use()).rejects.toMatchObject({
    code: 'setup-python',
    message: expect.stringMatching(message),
    hint: expect.stringContaining(hint),
  })
})

test.each<[string, () => void, RegExp]>([
  ['no Python in it', () => undefined, /does not work: bin\/python cannot be started/],
  ['one that is too old', () => says('{"version": "3.9.1"}'), /env is Python 3\.9\.1, which is too old/],
  ['one that crashes', () => says('Segmentation fault', 139), /does not work: Segmentation fault/],
  ['one that says nothing', () => says('', 1), /its Python ended with 1/],
])('broken: %s', async (_, make, message) => {
  make()
  await expect(use()).rejects.toMatchObject({ code: 'setup-python', message: expect.stringMatching(message) })
})

test.each([
  ['7.1.9', '7.2', true],
  ['7.2.0rc1', '7.2', false],
  ['7.10', '7.2', false],
  ['8', '7.2', false],
  ['6.30', '7.2', true],
  ['2.13.0+cpu', '2.0', false],
])('%s older than %s: %s', (version, than, expected) => expect(isOlder(version, than)).toBe(expected))
