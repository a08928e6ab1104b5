/** What goes wrong while an environment is made, with the real uv: nothing half made counts, and the next one does it again. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildEnvironment, environmentsFolder } from '../src/environment/build-environment.ts'
import { cacheRoot } from '../src/environment/cache.ts'
import { listEnvironments, removeEnvironment, unusedOf } from '../src/environment/environments.ts'
import { findPython } from '../src/environment/find-python.ts'
import { runTool } from '../src/environment/run-tool.ts'
import { ensureUv } from '../src/environment/uv.ts'
import { buildWheels } from './fixtures/wheels.ts'

/** Takes uv some seconds to compile, and some megabytes. */
const LARGE = { name: 'seer_large', version: '1.0', module: 'VALUE = 7\n', parts: 400 }
const REQUIREMENTS = ['seer-large==1.0']
const children: ChildProcess[] = []
let root: string
let cache: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'seer-faults-'))
  await ensureUv(await findPython())
  await buildWheels(join(root, 'wheels'), [LARGE])
}, 300_000)
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))

beforeEach(() => {
  cache = mkdtempSync(join(root, 'cache é-'))
  symlinkSync(join(cacheRoot(), 'tools'), join(cache, 'tools'))
  env = { ...process.env, SEER_CACHE: cache, PIP_FIND_LINKS: join(root, 'wheels'), XDG_STATE_HOME: join(root, 'state') }
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const made = () => readdirSync(environmentsFolder(cache)).sort()
const build = async (requirements = REQUIREMENTS) =>
  buildEnvironment(requirements, await findPython({ env }), cache, { env })

async function valueIn(path: string): Promise<string> {
  const argv = [
    join(path, 'bin/python'),
    '-I',
    '-c',
    'import seer_large as s, seer_large_parts.m399; print(s.VALUE)',
  ] as const
  const { stdout, stderr } = await runTool([...argv], { env })
  return stdout.trim() || stderr
}

/** A process of its own that makes the environment; what it says comes as lines, at last its result. Its uv is not stopped with it. */
function builder({ stopsHalfWay = false } = {}) {
  const script = `
    import { buildEnvironment } from ${JSON.stringify(new URL('../src/environment/build-environment.ts', import.meta.url).href)}
    import { findPython } from ${JSON.stringify(new URL('../src/environment/find-python.ts', import.meta.url).href)}
    const progress = ({ message }) => {
      console.log(message)
      if (${stopsHalfWay} && message.includes('byte-compiling')) process.kill(process.pid, 'SIGSTOP')
    }
    const { built } = await buildEnvironment(${JSON.stringify(REQUIREMENTS)}, await findPython(), ${JSON.stringify(cache)}, { progress })
    console.log('built ' + built)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const said: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => said.push(line))
  const says = async (words: string) => {
    while (!said.some((line) => line.includes(words)))
      await once(lines, 'line', { signal: AbortSignal.timeout(60_000) })
  }
  return { child, said, says, ended: once(child, 'close') }
}

test('killed half way: what is there does not count, and the next one makes it whole', async () => {
  const first = builder({ stopsHalfWay: true })
  await first.says('byte-compiling')
  first.child.kill('SIGKILL')
  await first.ended
  const [leftover] = made().filter((name) => name.includes('.building-'))
  expect(leftover).toBeDefined()
  expect((await listEnvironments({ env })).map(({ id, state }) => [id, state])).toEqual([[leftover, 'unfinished']])
  // Its uv may still be at work in there.
  const { built, path } = await build()
  expect(built).toBe(true)
  expect(await valueIn(path)).toBe('7')
  expect((await build()).built).toBe(false)
  for (const one of unusedOf(await listEnvironments({ env }))) await removeEnvironment(one, { env })
  expect(made()).toEqual([path.slice(path.lastIndexOf('/') + 1)])
})

test('two processes at once: one makes it, the other waits and has it too', async () => {
  const first = builder({ stopsHalfWay: true })
  await first.says('byte-compiling')
  const second = builder()
  await second.says('waiting')
  first.child.kill('SIGCONT')
  await Promise.all([first.ended, second.ended])
  expect([first, second].map(({ said }) => said.at(-1))).toEqual(['built true', 'built false'])
  expect(second.said).toEqual([
    `process ${first.child.pid} is making it; waiting`,
    expect.stringMatching(/^ready \(1 package, /),
    'built false',
  ])
  expect(made()).toHaveLength(1)
})

test('one that is killed while another waits: that one makes it', async () => {
  const first = builder({ stopsHalfWay: true })
  await first.says('byte-compiling')
  const second = builder()
  await second.says('waiting')
  first.child.kill('SIGKILL')
  await second.ended
  expect(second.said.at(-1)).toBe('built true')
})

test.for([
  [1, 'too small for the packages'],
  [0, 'full before anything is written'],
] as const)(
  'a full disk (%i MB: %s): says so, leaves nothing, and goes on when there is room',
  async ([megabytes], { skip }) => {
    const folder = environmentsFolder(cache)
    using disk = mountSmallDisk(folder, `${Math.max(megabytes, 1)}m`)
    if (!disk) return skip('this user may not mount a tmpfs')
    if (megabytes === 0) fill(join(folder, 'full'))
    const error = await build().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'setup-disk-full',
      message: expect.stringContaining(`no space left on the disk of ${folder}`),
      hint: expect.stringContaining('SEER_CACHE'),
    })
    expect(made().filter((name) => name !== 'full')).toEqual([])
    disk.grow('200m')
    const { built, path } = await build()
    expect(built).toBe(true)
    expect(await valueIn(path)).toBe('7')
  },
)

test.each([
  ['seer-there-is-no-such-package', /^There is no package "seer-there-is-no-such-package"/, /spelling/],
  ['seer-large==2', /no version of seer-large==2/, /versions in `pythonPackages`/],
  ['seer-large>=1,,<2', /^A requirement cannot be read:\n.*\n\s+seer-large>=1,,<2$/, /"name>=1,<2"/],
  [
    'seer-large @ file:///none/seer_large-1.0-py3-none-any.whl',
    /not found at: file:\/\/\/none/,
    /Correct what it names/,
  ],
])('%s: says what is wrong with it, and leaves nothing', async (requirement, message, hint) => {
  const error = await build([requirement]).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'setup-packages',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  })
  expect(String(error)).not.toContain('.building-')
  expect(made()).toEqual([])
})

test('the Python below it is removed: it is made again with the one that is there', async () => {
  const { executable } = await findPython()
  const removable = join(root, 'python')
  symlinkSync(dirname(dirname(executable)), removable)
  env['SEER_PYTHON'] = join(removable, 'bin/python3')
  const first = await build()
  expect(readFileSync(join(first.path, 'pyvenv.cfg'), 'utf8')).toContain(`home = ${removable}/bin`)
  rmSync(removable)
  delete env['SEER_PYTHON']
  expect(await listEnvironments({ env })).toMatchObject([{ state: 'broken' }])
  const second = await build()
  expect([second.built, second.path]).toEqual([true, first.path])
  expect(await valueIn(second.path)).toBe('7')
  expect(made()).toHaveLength(1)
})

test('a folder of wheels that is not there any more: pip goes on without it, and so does Seer', async () => {
  env['PIP_FIND_LINKS'] = `/none/such ${env['PIP_FIND_LINKS']}`
  expect((await build()).built).toBe(true)
})

function mountSmallDisk(folder: string, size: string) {
  mkdirSync(folder, { recursive: true })
  const mount = (options: string) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' })
  try {
    mount(`size=${size}`)
  } catch {
    return undefined
  }
  return {
    grow: (to: string) => void mount(`remount,size=${to}`),
    [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', folder]),
  }
}

function fill(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(4 * 1024 * 1024))
  } catch {
    // As full as it gets.
  }
}
