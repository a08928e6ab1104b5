/**
 * The npm package as a researcher gets it: packed, installed into an empty folder whose path has a space, and used from there.
 * npm fetches about 40 MB from the registry that this machine is set to.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { cacheRoot } from '../src/environment/cache.ts'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, plainExperiment, repository, type Place } from './fixtures/place.ts'
import { loopbackMessages } from './loopback-messages.ts'
import { enter, send } from './viewer-client.ts'

let place: Place
/** Where the package is installed. */
let home: string
let packed: string[]

beforeAll(async () => {
  place = newPlace('seer pack-')
  home = join(place.root, 'an empty folder')
  mkdirSync(home)
  // With this machine's own npm settings: its registry, proxy and certificates.
  const npm = (args: string[], cwd: string) =>
    promisify(execFile)('npm', args, { cwd, env: withNodeFirst(process.env) })
  const { stdout } = await npm(['pack', '--json', '--pack-destination', place.root], repository)
  const [pack] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]$/m))) as object) as Packed[]
  packed = pack!.files.map(({ path }) => path).sort()
  await npm(['install', '--no-audit', '--no-fund', join(place.root, pack!.filename)], home)
})
afterAll(() => place[Symbol.asyncDispose]())

interface Packed {
  filename: string
  files: { path: string }[]
}

/** npm runs on the Node that runs the tests. */
function withNodeFirst(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` }
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const own = { HOME: join(place.root, 'home'), XDG_STATE_HOME: place.state, XDG_RUNTIME_DIR: join(place.root, 'r') }
  const { LANG = 'C.UTF-8' } = process.env
  const kernel = { SEER_CACHE: cacheRoot(), OMP_WAIT_POLICY: 'passive', OMP_NUM_THREADS: '1' }
  return new Promise((resolve) => {
    const options = { cwd: home, env: withNodeFirst({ ...own, ...kernel, LANG, NO_COLOR: '1', ...env }) }
    const child = execFile(command, args, options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    )
  })
}
const seer = (args: string[], env?: NodeJS.ProcessEnv) => run('npx', ['--no', 'seer', ...args], env)
const lastLine = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

test('it holds what runs, and nothing that was only left lying about', () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'bin/seer.js',
      'dist/cli/main.js',
      'dist/index.d.ts',
      'dist/page/index.html',
      'dist/page/report.js',
      'docs/experiments.md',
      'experiments/sandbox-intro/experiment.ts',
      'experiments/sandbox-intro/recordings/embedded.json',
      'experiments/skills/steering/SKILL.md',
      'experiments/toolkit/steering_hook.py',
      'python/boot.py',
      'python/requirements-base.txt',
      'python/seer_host/host.py',
      'python/seer_setup/convert_gguf.py',
    ]),
  )
  expect(
    packed.filter((path) =>
      /^src\/|test|__pycache__|\.pyc$|outputs\/|node_modules|_cache|\.env(?!\.example$)/.test(path),
    ),
  ).toEqual([])
})

test('list, and doctor finds nothing missing', async () => {
  expect(await seer(['list'])).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('no runs') })
  const doctor = await seer(['doctor'])
  expect(doctor).toMatchObject({ code: 0, stderr: '' })
  expect(doctor.stdout).toMatch(/^ok +Seer +\d+\.\d+\.\d+/m)
  expect(doctor.stdout).toContain('seer run sandbox-intro can start here.')
})

test('seer view serves the page that the package brings, with nothing to build it with', async () => {
  expect(existsSync(join(home, 'node_modules/vite'))).toBe(false)
  const bin = join(home, 'node_modules/.bin/seer')
  const env = { ...withNodeFirst({}), HOME: join(place.root, 'home'), SEER_CACHE: join(place.root, 'no cache') }
  const view = spawn(bin, ['view'], { cwd: home, env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void view.kill())
  const [line] = (await once(view.stdout.setEncoding('utf8'), 'data')) as [string]
  const { port, cookie } = await enter(new URL(/http:\S+/.exec(line)![0]))
  const page = await send(port, '/', { headers: { cookie } })
  const asset = /\/assets\/[\w.-]+\.js/.exec(page.text)![0]
  expect((await send(port, asset, { headers: { cookie } })).status).toBe(200)
  expect(existsSync(join(place.root, 'no cache'))).toBe(false)
})

test('sandbox-intro plays its recording, every number as it was', { timeout: 480_000 }, async () => {
  const ended = await seer(['run', 'sandbox-intro', '--json'])
  expect(ended.code).toBe(0)
  const drift = { exact: 10, 'within-tolerance': 0, differs: 0, missing: 0 }
  expect(lastLine(ended)).toMatchObject({ status: 'completed', recorded: true, drift })
})

test('an experiment within the package runs, and so does one that lies elsewhere', async () => {
  const inside = join(home, 'node_modules/seer-interp/experiments/plain')
  const elsewhere = join(place.root, 'elsewhere')
  for (const folder of [inside, elsewhere]) {
    cpSync(plainExperiment, folder, { recursive: true })
    await using api = await loopbackMessages(script(cell('import lamps\nprint(lamps.lamps(PARAMS["count"]))')))
    const env = { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url }
    const ended = await seer(['run', folder, '--provider', 'claude', '--json'], env)
    expect(ended.code).toBe(0)
    expect(lastLine(ended)).toMatchObject({ status: 'completed', cells: 1, errors: 0 })
  }
})

test('a script imports it, and its types are known to a compiler that checks every declaration', async () => {
  writeFileSync(
    join(home, 'script.ts'),
    [
      `import { Library, Sandbox, SeerError, Skill, z, type SandboxConfig } from 'seer-interp'`,
      `const config: SandboxConfig = { models: [{ name: 'embedded' }] }`,
      `const shape = z.strictObject({ layers: z.int() })`,
      `console.log(typeof Sandbox.start, SeerError.name, Library.toolkit('steering_hook').name, Skill.builtIn('steering').name, config.models?.length, shape.parse({ layers: 3 }).layers)`,
    ].join('\n'),
  )
  writeFileSync(join(home, 'package.json'), '{ "type": "module", "private": true }')
  expect(await run(process.execPath, ['script.ts'])).toEqual({
    code: 0,
    stdout: 'function SeerError steering_hook steering 1 3\n',
    stderr: '',
  })
  const strict = {
    module: 'nodenext',
    lib: ['esnext'],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
  }
  writeFileSync(
    join(home, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: strict, files: ['script.ts', 'wrong.ts'] }),
  )
  writeFileSync(join(home, 'wrong.ts'), `import { Sandbox } from 'seer-interp'\nawait Sandbox.start({ modls: [] })\n`)
  // What other packages' declarations lack is not ours to mend.
  const ours = (await tsc(home)).stdout
    .split('\n')
    .filter((line) => /^(script|wrong|.*seer-interp\/dist).*error/.test(line))
  expect(ours).toEqual([expect.stringMatching(/^wrong\.ts\(2,.*'modls'/)])
})

test('seer new: a copy that an editor understands, with a command that works anywhere', async () => {
  const folder = join(place.root, 'my own')
  const ended = await seer(['new', folder, '--from', 'sandbox-intro'])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(readdirSync(folder).sort()).toEqual([
    'README.md',
    'experiment.ts',
    'package.json',
    'recordings',
    'task.md',
    'tsconfig.json',
  ])
  expect(ended.stdout).toContain(`'${join(home, 'node_modules/.bin/seer')}' run`)
  expect(await tsc(folder)).toMatchObject({ code: 0, stdout: '' })
})

function tsc(folder: string): Promise<Ended> {
  return run(join(repository, 'node_modules/.bin/tsc'), ['-p', folder])
}
