import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { newFolder } from '../../../../test/fixtures/memory-run.ts'
import { interpreterMounts } from './interpreter.ts'

let home: string
let python: string
beforeEach(() => {
  home = realpathSync(newFolder())
  python = join(home, '.cache/env/bin/python')
})

/** A virtual environment on a Python at `base`. */
function environment(base: string, named = base): void {
  mkdirSync(join(base, 'bin'), { recursive: true })
  writeFileSync(join(base, 'bin/python3.12'), '')
  mkdirSync(dirname(python), { recursive: true })
  symlinkSync(join(named, 'bin/python3.12'), python)
  writeFileSync(join(home, '.cache/env/pyvenv.cfg'), `home = ${named}/bin\nuv = 0.13.9\n`)
}

test('only the Python itself, at its own path, and never the home in which it lies', () => {
  const base = join(home, '.pyenv/versions/3.12.1')
  environment(base)
  expect(interpreterMounts(python, home)).toEqual([{ kind: 'read-only', source: base, target: base, staged: true }])
})

test('one that is named by a link: the link, too', () => {
  const base = join(home, 'uv/cpython-3.12.5')
  const named = join(home, 'uv/cpython-3.12')
  mkdirSync(base, { recursive: true })
  symlinkSync(base, named)
  environment(base, named)
  expect(interpreterMounts(python, home)).toEqual([
    { kind: 'read-only', source: base, target: base, staged: true },
    { kind: 'link', source: base, target: named },
  ])
})

test('a link on the way, in a folder of its own', () => {
  const base = join(home, 'opt/python3.12')
  environment(base)
  const hop = join(home, '.local/bin/python3.12')
  mkdirSync(dirname(hop), { recursive: true })
  symlinkSync(join(base, 'bin/python3.12'), hop)
  const other = join(home, 'env2/bin/python')
  mkdirSync(dirname(other), { recursive: true })
  symlinkSync(hop, other)
  writeFileSync(join(home, 'env2/pyvenv.cfg'), `home = ${base}/bin\n`)
  expect(interpreterMounts(other, home)).toEqual([
    { kind: 'read-only', source: base, target: base, staged: true },
    { kind: 'link', source: join(base, 'bin/python3.12'), target: hop },
  ])
})

test('the system’s own is in /usr, which is there anyway', () => {
  mkdirSync(dirname(python), { recursive: true })
  symlinkSync('/usr/bin/env', python)
  writeFileSync(join(home, '.cache/env/pyvenv.cfg'), 'home = /usr/bin\n')
  expect(interpreterMounts(python, home)).toEqual([])
})

test('links through folders that are links: the one that the environment names leads to the program itself', () => {
  const base = join(home, 'pythons/3.12.1')
  mkdirSync(join(base, 'bin'), { recursive: true })
  writeFileSync(join(base, 'bin/python3.12'), '')
  mkdirSync(join(home, 'hops/bin'), { recursive: true })
  symlinkSync(base, join(home, 'hops/version'))
  symlinkSync('../version/bin/python3.12', join(home, 'hops/bin/python3'))
  mkdirSync(dirname(python), { recursive: true })
  symlinkSync(join(home, 'hops/bin/python3'), python)
  writeFileSync(join(home, '.cache/env/pyvenv.cfg'), `home = ${home}/hops/bin\n`)
  expect(interpreterMounts(python, home)).toEqual([
    { kind: 'read-only', source: base, target: base, staged: true },
    { kind: 'link', source: join(base, 'bin/python3.12'), target: join(home, 'hops/bin/python3') },
  ])
})

test('one that is its own base, as conda’s are: it is also at its own path, which its programs know', () => {
  mkdirSync(dirname(python), { recursive: true })
  writeFileSync(join(dirname(python), 'python3.12'), '')
  symlinkSync('python3.12', python)
  const base = join(home, '.cache/env')
  expect(interpreterMounts(python, home)).toEqual([{ kind: 'read-only', source: base, target: base, staged: true }])
})

test.each(['.', '..', '/'])('a Python right in a home (%s) is refused', (where) => {
  const base = where === '/' ? '/' : join(home, where)
  mkdirSync(dirname(python), { recursive: true })
  // Copied, not linked, so that nothing but the name tells where it is from.
  writeFileSync(python, '')
  writeFileSync(join(home, '.cache/env/pyvenv.cfg'), `home = ${join(base, 'bin')}\n`)
  expect(() => interpreterMounts(python, home)).toThrow(/would show/)
})
