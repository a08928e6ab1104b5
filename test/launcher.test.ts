import { execFile, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { hostname, machine, tmpdir, type } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'

// A checkout with the real launcher and a stand-in for the command line, in a folder with spaces and non-ASCII letters. Nothing is
// fetched: the registry is a closed port, and what a case needs "installed" is put there. The real downloads are seen by whoever
// runs this in a fresh clone: scripts/test starts with them.

const repository = join(import.meta.dirname, '..')
const platform = `${type()}-${machine()}`
const top = mkdtempSync(join(tmpdir(), 'seer läuncher '))
const commands = join(top, 'commands')
let count = 0
let checkout: string
let home: string

for (const name of ['sh', 'uname', 'cat', 'date', 'cmp', 'readlink', 'tar', 'env']) link(name)
afterAll(() => {
  chmodSync(checkout, 0o755)
  rmSync(top, { recursive: true, force: true })
})

beforeEach(() => {
  checkout = join(top, `check out ${++count}`)
  home = join(top, `home ${count}`)
  for (const name of ['seer', 'launcher', 'package.json', 'package-lock.json', '.npmrc']) {
    cpSync(join(repository, name), join(checkout, name), { recursive: true })
  }
  mkdirSync(join(checkout, 'src/cli'), { recursive: true })
  mkdirSync(home)
  writeFileSync(
    join(checkout, 'src/cli/main.ts'),
    `const { SEER_STARTED_AT_MS: startedAt, SEER_SETUP_TIMINGS: timings } = process.env
    console.log(JSON.stringify({ args: process.argv.slice(2) as string[], flags: process.execArgv, pid: process.pid, startedAt, timings }))`,
  )
})

test('what is ready starts at once, as the same process, with the arguments as they were', async () => {
  install()
  const child = spawn(join(checkout, 'seer'), ['run', 'a b', '', '*', 'ü'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => (stdout += data))
  child.stderr.on('data', (data) => (stderr += data))
  await once(child, 'close')
  const said = JSON.parse(stdout) as { startedAt: string }
  expect(said).toMatchObject({
    args: ['run', 'a b', '', '*', 'ü'],
    flags: ['--conditions=seer-source'],
    pid: child.pid,
    timings: '{}',
  })
  expect(Math.abs(Date.now() - Number(said.startedAt))).toBeLessThan(10_000)
  expect(stderr).toBe('')
})

test('links to it lead to the checkout, absolute and relative, one through the other', async () => {
  install()
  symlinkSync(join(checkout, 'seer'), join(home, 'absolute'))
  mkdirSync(join(home, 'bin'))
  symlinkSync('../absolute', join(home, 'bin/seer'))
  expect(await seer({ command: join(home, 'bin/seer') })).toMatchObject({ status: 0, stderr: '' })
  expect(await seer({ command: './bin/seer', cwd: home })).toMatchObject({ status: 0 })
  expect(await seer({ command: './seer', cwd: checkout })).toMatchObject({ status: 0 })
})

test('a pinned Node in the cache is used where the machine has none', async () => {
  install()
  const [, , version] = pinOf(platform).split(' ')
  const folder = join(home, '.cache/seer', `node-${version}-${platform}`, 'bin')
  mkdirSync(folder, { recursive: true })
  symlinkSync(process.execPath, join(folder, 'node'))
  expect(await seer({ path: commands })).toMatchObject({ status: 0, stderr: '' })
})

test('no Node, and one that is too old, are named with what to do', async () => {
  install()
  expect(await seer({ path: commands })).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(/needs Node\.js 18.*found none.*Install it/),
  })
  expect(await seer({ path: withNode('v16.20.2') })).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('found v16.20.2'),
  })
})

test('without network it says what it needed, leaves nothing half done, and ends with status 3', async () => {
  const answer = await seer({})
  expect(answer).toMatchObject({ status: 3, stdout: '' })
  expect(answer.stderr).toMatch(/installing the npm packages .* because they are not there yet … failed/)
  expect(answer.stderr).toMatch(/no network: needed the npm packages[^]*ECONNREFUSED[^]*Run the same command again/)
  expect(existsSync(join(checkout, '.seer-install.lock'))).toBe(false)
})

test('an old Node without network says that it needed a newer one', async () => {
  const answer = await seer({ path: `${withNode('v20.1.0', '20.1.0')}:${process.env.PATH}` })
  expect(answer).toMatchObject({ status: 3 })
  expect(answer.stderr).toMatch(
    /fetching Node 2\d\.\d+\.\d+ .* because this machine has 20\.1\.0[^]*no network: needed Node/,
  )
})

test('a registry that never answers is given up on', { timeout: 60_000 }, async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const answer = await seer({ registry: `http://127.0.0.1:${port}/` })
  server.close()
  expect(answer).toMatchObject({ status: 3, stderr: expect.stringMatching(/no network/) })
})

test('a changed lock file and an install for another platform are not taken for ready', async () => {
  install()
  renameSync(stamp(), `${stamp()}-elsewhere`)
  expect(await seer({})).toMatchObject({ status: 3 })
  install()
  writeFileSync(join(checkout, 'package-lock.json'), '{}')
  expect(await seer({})).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('the lock file changed or an install was cut short'),
  })
})

test('a read-only checkout runs when installed, and says in one line that it is not', async () => {
  chmodSync(top, 0o755)
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  chmodSync(home, 0o777)
  chmodSync(checkout, 0o555)
  // This Node may lie in a home that the other user cannot enter.
  mkdirSync(join(top, 'for all'))
  copyFileSync(process.execPath, join(top, 'for all', 'node'))
  const path = `${join(top, 'for all')}:/usr/bin:/bin`
  const answer = await seer({ user, path })
  expect(answer).toMatchObject({ status: 3, stdout: '' })
  expect(answer.stderr).toMatch(/^seer: .* is read-only and its npm packages are not installed: .*\n$/)
  chmodSync(checkout, 0o755)
  install()
  chmodSync(checkout, 0o555)
  expect(await seer({ user, path })).toMatchObject({ status: 0, stderr: '' })
})

test('a living set-up is waited for, a dead one is taken over', async () => {
  const lock = join(checkout, '.seer-install.lock')
  writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }))
  const waiting = seer({})
  await new Promise((resolve) => setTimeout(resolve, 700))
  install()
  rmSync(lock)
  expect(await waiting).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(`another seer is setting up \\(process ${process.pid} `),
  })

  rmSync(join(checkout, 'node_modules'), { recursive: true })
  const dead = spawn('true')
  await once(dead, 'exit')
  for (const holder of [
    JSON.stringify({ pid: dead.pid, host: hostname() }),
    JSON.stringify({ pid: 1, host: 'another' }),
    '',
  ]) {
    writeFileSync(lock, holder)
    utimesSync(lock, new Date(0), new Date(0))
    expect(await seer({})).toMatchObject({ status: 3, stderr: expect.stringContaining('no network') })
  }
})

test('an old machine gets Node and the packages once, also when two start at once', async () => {
  const { registry, close } = await registryWith(`mkdirSync('node_modules', { recursive: true })`)
  const path = `${withNode('v20.1.0', '20.1.0')}:${process.env.PATH}`
  const both = await Promise.all([seer({ path, registry }), seer({ path, registry })])
  expect(both.map((one) => one.status)).toEqual([0, 0])
  expect(both.map((one) => one.stderr).join('')).toMatch(
    /fetching Node .* … \d+\.\d s\n[^]*installing the npm packages .* … \d+\.\d s\n/,
  )
  expect(readFileSync(join(checkout, 'npm-calls'), 'utf8')).toBe('view\ninstall all\n')
  const timed = both
    .map((one) => (JSON.parse(one.stdout) as { timings: string }).timings)
    .filter((text) => text !== '{}')
  expect(Object.keys(Object.assign({}, ...timed.map((text) => JSON.parse(text) as object)))).toEqual([
    'node',
    'packages',
  ])
  expect(await seer({ path, registry })).toMatchObject({ status: 0, stderr: '' })
  expect(readdirSync(join(home, '.cache/seer'))).toHaveLength(1)
  close()
})

test('an install that was killed is done again', async () => {
  const { registry, close } = await registryWith(
    `const again = existsSync('node_modules'); mkdirSync('node_modules', { recursive: true }); again || process.kill(process.pid, 'SIGKILL')`,
  )
  const path = `${withNode('v20.1.0', '20.1.0')}:${process.env.PATH}`
  expect(await seer({ path, registry })).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('could not get the npm packages'),
  })
  expect(await seer({ path, registry })).toMatchObject({ status: 0, stderr: expect.stringContaining('was cut short') })
  close()
})

test('a Node that is not the pinned one is not run', async () => {
  const { registry, close } = await registryWith('', 'sha512-AAAA')
  const answer = await seer({ path: `${withNode('v20.1.0', '20.1.0')}:${process.env.PATH}`, registry })
  close()
  expect(answer).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(/is not the file that Seer was tested with/),
  })
  expect(readdirSync(join(home, '.cache/seer'))).toEqual([])
})

/** A registry on loopback that has the pinned packages: a `node` that is this one, and an npm that does what `onInstall` says. */
async function registryWith(onInstall: string, integrity?: string) {
  const node = `#!/bin/sh\nexec '${process.execPath}' "$@"\n`
  const npmCli = `const { appendFileSync, existsSync, mkdirSync } = require('node:fs')
    const [, , name, ...args] = process.argv
    if (name !== 'config') appendFileSync('npm-calls', name + (args.includes('--include=dev') ? ' all' : '') + '\\n')
    if (process.argv[2] === 'install') { ${onInstall} }`
  const contents = new Map([
    [platform, { 'bin/node': node, LICENSE: '' }],
    ['npm', { 'bin/npm-cli.js': npmCli }],
  ])
  const tarballs = new Map<string, { version: string; data: Buffer }>()
  const rows = [...contents].map(([row, members]) => {
    const [, name = '', version = ''] = pinOf(row).split(' ')
    const folder = join(home, 'packages', name)
    const all = { ...members, 'package.json': JSON.stringify({ name, version }) }
    for (const [member, text] of Object.entries(all)) {
      mkdirSync(join(folder, 'package', member, '..'), { recursive: true })
      writeFileSync(join(folder, 'package', member), text, { mode: 0o755 })
    }
    const data = execFileSync('tar', ['-cz', '-C', folder, 'package'])
    tarballs.set(name, { version, data })
    return [row, name, version, integrity ?? sha512(data)].join(' ')
  })
  writeFileSync(join(checkout, 'launcher/pins.txt'), `${rows.join('\n')}\n`)
  const server = createHttpServer((request, response) => {
    const [, name = '', file] = (request.url ?? '').split('/')
    const { version, data } = tarballs.get(name) ?? { version: '0.0.0', data: Buffer.alloc(0) }
    const dist = { tarball: `http://${request.headers.host}/${name}/file.tgz`, integrity: sha512(data) }
    response.end(
      file
        ? data
        : JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { registry: `http://127.0.0.1:${port}/`, close }
}

function sha512(data: Buffer): string {
  return `sha512-${createHash('sha512').update(data).digest('base64')}`
}

interface Options {
  command?: string
  cwd?: string
  path?: string
  registry?: string
  user?: { uid?: number; gid?: number }
}

async function seer({ command = join(checkout, 'seer'), cwd = top, path, registry, user }: Options) {
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      command,
      ['list'],
      { cwd, env: environment(path, registry), ...user },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    )
  })
}

function environment(path = `${join(process.execPath, '..')}:${process.env.PATH}`, registry = 'http://127.0.0.1:9/') {
  return { PATH: path, HOME: home, npm_config_registry: registry }
}

/** As if the packages had been installed: the stamp is all that the launcher looks at. */
function install(): void {
  mkdirSync(join(checkout, 'node_modules'), { recursive: true })
  cpSync(join(checkout, 'package-lock.json'), stamp())
}

function stamp(): string {
  return join(checkout, 'node_modules', `.seer-installed-${platform}`)
}

/** A folder of commands whose `node` says that it is `version`; with `runsAs`, scripts that it runs believe it. */
function withNode(version: string, runsAs?: string): string {
  const folder = join(home, `node ${version}`)
  cpSync(commands, folder, { recursive: true, verbatimSymlinks: true })
  const preload = join(folder, 'pretend.mjs')
  writeFileSync(
    preload,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${runsAs}' } })`,
  )
  const run = `exec '${process.execPath}' --import '${preload}' "$@"`
  writeFileSync(
    join(folder, 'node'),
    `#!/bin/sh\n[ "$1" = -v ] && echo ${version} && exit\n${runsAs ? run : 'exit 1'}\n`,
    { mode: 0o755 },
  )
  return folder
}

function link(name: string): void {
  mkdirSync(commands, { recursive: true })
  const found = (process.env.PATH ?? '')
    .split(':')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
  if (found) symlinkSync(found, join(commands, name))
}

function pinOf(name: string): string {
  const rows = readFileSync(join(repository, 'launcher/pins.txt'), 'utf8').split('\n')
  return rows.find((row) => row.startsWith(`${name} `)) ?? ''
}
