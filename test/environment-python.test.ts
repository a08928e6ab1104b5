/** `python` of a sandbox: environments that the researcher made, in all the ways in which one makes them, behind the wall. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { buildEnvironment } from '../src/environment/build-environment.ts'
import { choosePython } from '../src/environment/choose-python.ts'
import { findPython, type Python } from '../src/environment/find-python.ts'
import { readPipConfig, uvIndexEnvironment } from '../src/environment/package-index.ts'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { neededRequirements } from '../src/environment/requirements.ts'
import { runTool } from '../src/environment/run-tool.ts'
import { ensureUv, type Uv } from '../src/environment/uv.ts'
import { ownState, startTried } from './fixtures/walled.ts'
import { buildWheels } from './fixtures/wheels.ts'

let state: string
let root: string
let python: Python
let uv: Uv
let uvEnv: NodeJS.ProcessEnv

beforeAll(async () => {
  state = ownState()
  root = mkdtempSync(join(tmpdir(), 'seer-python-'))
  chmodSync(root, 0o755)
  python = await findPython()
  uv = await ensureUv(python)
  uvEnv = { ...uvIndexEnvironment(await readPipConfig(python, {}), process.env), UV_PYTHON_DOWNLOADS: 'never' }
}, 300_000)
afterAll(() => {
  vi.unstubAllEnvs()
  for (const folder of [root, state]) rmSync(folder, { recursive: true, force: true })
})

async function run(argv: [string, ...string[]], env = uvEnv): Promise<string> {
  const { exitCode, stdout, stderr } = await runTool(argv, { env, cwd: tmpdir() })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`)
  return stdout
}

/** As the hint of Seer's own error says. */
async function fill(environment: string): Promise<void> {
  const interpreter = join(environment, 'bin/python')
  await run([uv.path, 'pip', 'install', '--quiet', '--python', interpreter, ...(await neededRequirements(false))])
}

const prefixOf = (program: string) => dirname(dirname(program))
const isOnlySystem = () => prefixOf(python.executable) === '/usr'

const kinds: [string, (folder: string) => Promise<string>, (() => boolean)?][] = [
  ['of python -m venv', (folder) => run([python.executable, '-m', 'venv', folder])],
  ['of uv', (folder) => run([uv.path, 'venv', '--quiet', '--python', python.executable, folder])],
  ['of the system’s Python', (folder) => run(['/usr/bin/python3', '-m', 'venv', folder])],
  [
    'that sees the packages of its Python',
    (folder) => run([python.executable, '-m', 'venv', '--system-site-packages', folder]),
  ],
  [
    'on a Python behind links',
    async (folder) => {
      const hops = mkdtempSync(join(root, 'hops-'))
      symlinkSync(prefixOf(python.executable), join(hops, 'version'))
      mkdirSync(join(hops, 'bin'))
      symlinkSync(join(hops, 'version/bin/python3'), join(hops, 'bin/python3'))
      return run([join(hops, 'bin/python3'), '-m', 'venv', folder])
    },
    isOnlySystem,
  ],
  [
    'that is an interpreter’s own folder, as conda’s are',
    async (folder) => {
      const links = ['cp', '-al', prefixOf(python.executable), folder] as const
      await run([...links]).catch(() => cpSync(prefixOf(python.executable), folder, { recursive: true }))
      mkdirSync(join(folder, 'conda-meta'))
      findsItsLibraryBeside(realpathSync(join(folder, 'bin/python')))
      return ''
    },
    isOnlySystem,
  ],
]

/** conda's programs look for their libraries from where they lie; this one may name a folder. */
function findsItsLibraryBeside(program: string): void {
  const named = Buffer.from(`${join(prefixOf(python.executable), 'lib')}\0`)
  const bytes = readFileSync(program)
  const at = bytes.indexOf(named)
  if (at < 0) return
  bytes.write('$ORIGIN/../lib\0', at)
  rmSync(program) // other links to it are not this test's
  writeFileSync(program, bytes, { mode: 0o755 })
}

describe.each(kinds)('an environment %s', (_, make, isImpossible) => {
  test('is used as it is: its packages, its own pip, its lock, and nothing is written into it', async ({ skip }) => {
    if (isImpossible?.()) skip('the only Python is the system’s')
    const folder = join(mkdtempSync(join(root, 'project é ')), '.venv')
    await make(folder).catch((error: unknown) => {
      if (String(error).includes('ensurepip')) skip('this Python has no venv')
      throw error
    })
    const refused = await ensureEnvironment({ python: folder }).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'setup-python',
      message: expect.stringContaining('ipykernel: not installed'),
    })
    await fill(folder)
    const links = join(mkdtempSync(join(root, 'links-')), 'wheels')
    await buildWheels(links, [{ name: 'seer_leaf', version: '1.0', module: 'VERSION = 1\n' }])
    vi.stubEnv('PIP_FIND_LINKS', links)
    const before = filesOf(folder)

    await using tried = await startTried({ unconfined: false, python: folder })
    expect(await tried.says('import ipykernel, sys; print(sys.prefix, ipykernel.__file__)')).toMatch(
      /^\/opt\/environment \/opt\/environment\/lib/,
    )
    expect(await tried.says('!pip install seer-leaf')).toContain('Successfully installed seer-leaf-1.0')
    expect(await tried.says('import seer_leaf; print(seer_leaf.__file__)')).toContain('/workspace/.packages/')
    expect(await tried.says('!python -c "import ssl, sqlite3, ctypes, seer_leaf, ipykernel; print(sum([1, 2]))"')).toBe(
      '3',
    )
    expect(await tried.says(`!touch /opt/environment/x 2>&1 | grep -c Read-only`)).toBe('1')
    const lock = readFileSync(join(tried.run.folder, 'source/env.lock'), 'utf8')
    expect(lock).toMatch(/^ipykernel==7\.\d/m)
    expect(tried.start.environment).toMatch(/^[0-9a-f]{16}$/)
    expect([...filesOf(folder).symmetricDifference(before)]).toEqual([])
  })
})

/** Without what Python itself compiles, and the folders in which it does. */
function filesOf(folder: string): Set<string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && basename(entry.parentPath) !== '__pycache__')
  return new Set(files.map(({ parentPath, name }) => join(parentPath, name)).map((p) => `${p} ${statSync(p).mtimeMs}`))
}

describe('what cannot be', () => {
  let folder: string
  beforeAll(async () => {
    folder = join(mkdtempSync(join(root, 'project-')), '.venv')
    await run([uv.path, 'venv', '--quiet', '--python', python.executable, folder])
    await fill(folder)
  })

  test('packages for an environment that Seer does not change', async () => {
    await expect(ensureEnvironment({ python: folder, pythonPackages: ['colorama'] })).rejects.toMatchObject({
      code: 'setup-python',
      message: expect.stringContaining('(colorama) cannot be installed'),
    })
  })

  test('models without what loads them', async () => {
    await expect(ensureEnvironment({ python: folder, forModels: true })).rejects.toMatchObject({
      message: expect.stringMatching(
        /lacks what Seer needs:\n {4}torch: not installed\n {4}transformers: not installed$/,
      ),
    })
  })

  test('a package that is used from where it is worked on, which no sandbox sees', async () => {
    const copy = join(dirname(folder), 'editable')
    await run([uv.path, 'venv', '--quiet', '--python', python.executable, copy])
    await fill(copy)
    const site = (await run([join(copy, 'bin/python'), '-c', 'import site; print(site.getsitepackages()[0])'])).trim()
    const elsewhere = join(dirname(folder), 'checkout')
    mkdirSync(elsewhere)
    execFileSync('sh', ['-c', 'mv "$1"/nbformat* "$2" && echo "$2" > "$1/elsewhere.pth"', '-', site, elsewhere])
    await expect(ensureEnvironment({ python: copy })).rejects.toMatchObject({
      message: expect.stringContaining(`nbformat: its code lies in ${elsewhere}, which a sandbox does not see`),
    })
  })

  test('one that root has closed to others, for a sandbox that is not root', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('not root')
    chmodSync(folder, 0o700)
    try {
      await expect(startTried({ unconfined: false, python: folder })).rejects.toMatchObject({
        code: 'setup-confinement',
        hint: expect.stringContaining('chmod -R o+rX'),
      })
    } finally {
      chmodSync(folder, 0o755)
    }
  })
})

describe('an interpreter', () => {
  test('environments are made with it', async ({ skip }) => {
    const other = await choosePython('3.12', root, {}).catch(() => skip('no Python 3.12 here'))
    if (other.kind !== 'interpreter') throw new Error('a version stands for an interpreter')
    const { path } = await buildEnvironment(['colorama==0.4.6'], other.python, join(root, 'cache'), {})
    const said = await run([join(path, 'bin/python'), '-c', 'import sys, colorama; print(sys.version_info[:2])'])
    expect(said.trim()).toBe('(3, 12)')
  })

  test('the version that Seer finds by itself gives the same environment', async () => {
    const standard = await ensureEnvironment()
    expect(await ensureEnvironment({ python: python.version })).toMatchObject({ id: standard.id, isStandard: true })
    expect(await ensureEnvironment({ python: python.executable })).toMatchObject({ id: standard.id, reused: true })
  })
})
