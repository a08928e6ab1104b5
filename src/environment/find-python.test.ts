import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findPython, findPythonRemembered, isNewEnough } from './find-python.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seer python é-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

const answering = (version: string, executable = '/bin/sh') =>
  `echo '${JSON.stringify({ executable, version, platform: 'linux-x86_64-glibc', hasPip: true })}'`

test.each([
  ['3.10.0', true],
  ['3.9.18', false],
  ['3.14.0rc1', true],
  ['2.7.18', false],
  ['4.0', true],
])('%s new enough: %s', (version, expected) => expect(isNewEnough(version)).toBe(expected))

test('finds the real one on this machine, by its own path', async () => {
  const python = await findPython()
  expect(isNewEnough(python.version)).toBe(true)
  expect(python.executable).toMatch(/^\/.*python3/)
})

test('goes on past a shim that has nothing behind it', async () => {
  await program('python3.13', 'echo "python3.13: command not found" >&2; exit 127')
  await program('python3', answering('3.12.1'))
  expect((await findPython({ env: { PATH: folder } })).version).toBe('3.12.1')
})

test('none at all', async () => {
  const error = await findPython({ env: { PATH: folder } }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'setup-python-missing', message: expect.stringContaining('none at all on PATH') })
})

test('too old: says which, with its version', async () => {
  await program('python3', answering('3.9.2'))
  const error = await findPython({ env: { PATH: folder } }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'setup-python-missing',
    message: expect.stringContaining('python3: 3.9.2 is too old'),
  })
})

test('SEER_PYTHON is the only one tried', async () => {
  await program('python3', answering('3.12.1'))
  const env = { PATH: folder, SEER_PYTHON: join(folder, 'none') }
  await expect(findPython({ env })).rejects.toMatchObject({
    code: 'setup-python-missing',
    hint: expect.stringContaining('SEER_PYTHON'),
  })
})

test('the answer is remembered until PATH or the interpreter changes', async () => {
  const real = await program('real', 'exit 0')
  const count = `echo x >> '${join(folder, 'count')}'`
  await program('python3', `${count}; ${answering('3.12.1', real)}`)
  const cache = join(folder, 'cache')
  await mkdir(cache)
  const probes = async () => (await readFile(join(folder, 'count'), 'utf8')).trim().split('\n').length
  const find = (path: string) => findPythonRemembered(cache, { env: { PATH: path } })
  await find(folder)
  await find(folder)
  expect(await probes()).toBe(1)
  await find(`${folder}:/none`)
  expect(await probes()).toBe(2)
  await utimes(real, 1, 1)
  await find(`${folder}:/none`)
  expect(await probes()).toBe(3)
})
