/**
 * Code in a cell tries to get out of its sandbox. Each attempt has its control: in a sandbox without a wall the same code reaches what
 * it wants, so a hole would be noticed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { access, constants } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { cacheRoot } from '../src/environment/cache.ts'
import { attempt, ownState, startTried, type Tried } from './fixtures/walled.ts'

const NEEDLE = `needle-${process.pid}-${Date.now()}`
let root: string
let outside: string
let bait: ChildProcess
let servers: { tcp4: Server; tcp6: Server | undefined; unix: Server; abstract: Server; connected: () => number }
let confined: Tried
let open: Tried

beforeAll(async () => {
  root = ownState()
  outside = mkdtempSync(join(tmpdir(), 'seer-outside-'))
  writeFileSync(join(outside, 'file'), NEEDLE)
  for (const path of [outside, join(outside, 'file')]) chmodSync(path, 0o755)
  bait = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', NEEDLE], {
    env: { SECRET_KEY: NEEDLE },
    stdio: 'ignore',
  })
  servers = await listen()
  const models = [{ name: 'embedded' }]
  confined = await startTried({ unconfined: false, models })
  open = await startTried({ unconfined: true, models })
})
afterAll(async () => {
  bait.kill('SIGKILL')
  for (const server of [servers.tcp4, servers.tcp6, servers.unix, servers.abstract]) server?.close()
  await confined[Symbol.asyncDispose]()
  await open[Symbol.asyncDispose]()
  rmSync(outside, { recursive: true })
  rmSync(root, { recursive: true })
  vi.unstubAllEnvs()
})

async function listen() {
  let connected = 0
  const server = (where: object | string) =>
    new Promise<Server | undefined>((resolve) => {
      const made = createServer((socket) => {
        connected += 1
        socket.destroy()
      })
      made.once('error', () => resolve(undefined))
      made.listen(where as never, () => resolve(made))
    })
  const unix = await server(join(outside, 'sock'))
  chmodSync(join(outside, 'sock'), 0o777)
  return {
    tcp4: (await server({ host: '127.0.0.1', port: 0 }))!,
    tcp6: await server({ host: '::1', port: 0 }),
    unix: unix!,
    abstract: (await server(`\0${NEEDLE}`))!,
    connected: () => connected,
  }
}

const port = (server: Server) => (server.address() as AddressInfo).port
const q = (text: string) => JSON.stringify(text)
const pids = `[p for p in os.listdir('/proc') if p.isdigit()]`
const readAll = (file: string) => `def read(p):
    try: return open(f'/proc/{p}/${file}', errors='replace').read()
    except OSError: return ''
return any(${q(NEEDLE)} in read(p) for p in ${pids} if p != str(os.getpid()))`
const connects = (family: string, address: string) =>
  `s = socket.socket(socket.${family}); s.settimeout(2); s.connect(${address}); return True`

/** What is tried, and how. `of` is the sandbox in which it is tried. */
const attempts: [string, (of: Tried) => string][] = [
  ['the environment of other processes, where keys are', () => readAll('environ')],
  ['the arguments of other processes', () => readAll('cmdline')],
  ['a process of the same user: a signal to it', () => `os.kill(${bait.pid}, 0); return True`],
  ['a process of the same user: its memory', () => `return open('/proc/${bait.pid}/mem', 'rb') is not None`],
  ['a process of the same user: its open files', () => `return bool(os.listdir('/proc/${bait.pid}/fd'))`],
  ['Seer’s host process', ({ places }) => `pid = ${hostPid(places.stateDir)}; os.kill(pid, 0); return True`],
  ['Seer’s own socket', ({ places }) => connects('AF_UNIX', q(`${places.runtimeDir}/host.sock`))],
  ['Seer’s files of the sandbox', ({ places }) => `return open(${q(`${places.stateDir}/journal.jsonl`)}) is not None`],
  ['the folder of the run', ({ run }) => `return bool(os.listdir(${q(run.folder)}))`],
  ['a file that everyone may read', () => `return open(${q(join(outside, 'file'))}).read() == ${q(NEEDLE)}`],
  ['the accounts of this machine', () => `return len(open('/etc/passwd').read().splitlines()) > 2`],
  ['the home of this user', () => `return os.path.lexists(${q(someFileAtHome())})`],
  [
    'the cache of models',
    () => `return any('SmolLM' in name for name in os.listdir(${q(join(cacheRoot(), 'models'))}))`,
  ],
  ['a listener on the loopback of this machine', () => connects('AF_INET', `('127.0.0.1', ${port(servers.tcp4)})`)],
  ['a socket in a folder', () => connects('AF_UNIX', q(join(outside, 'sock')))],
  ['a socket without a folder', () => connects('AF_UNIX', `'\\0${NEEDLE}'`)],
  ['a network card', () => `return len(open('/proc/net/dev').read().splitlines()) > 3`],
  [
    'a new user namespace',
    () =>
      `return subprocess.run(['unshare', '--user', '--map-root-user', 'true'], capture_output=True).returncode == 0`,
  ],
  [
    'a mount',
    () =>
      `return subprocess.run(['unshare', '--user', '--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], capture_output=True).returncode == 0`,
  ],
  ['the tracing of a child', () => trace],
  [
    'keys of the system',
    () => `keyctl = {'x86_64': 250, 'aarch64': 219}[os.uname().machine]
return ctypes.CDLL(None, use_errno=True).syscall(keyctl, 0, -3, 1) > 0`,
  ],
  ['a socket to the kernel', () => `socket.socket(16, socket.SOCK_RAW, 0).close(); return True`],
  ['sockets past the machine', () => `socket.socket(40, socket.SOCK_STREAM).close(); return True`],
  [
    'queues to the kernel (io_uring)',
    () => `return ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(120)) >= 0`,
  ],
]

const trace = `libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    os._exit(0 if libc.ptrace(0, 0, None, None) == 0 else 1)
return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0`

/** Not on the way to the interpreter, which may lie there. */
function someFileAtHome(): string {
  const home = homedir()
  const interpreter = realpathSync(open.sandbox.python)
  return readdirSync(home)
    .map((name) => join(home, name))
    .find((path) => !interpreter.startsWith(`${path}/`))!
}

function hostPid(stateDir: string): number {
  const text = readFileSync(join(stateDir, 'host.json'), 'utf8')
  return (JSON.parse(text) as { pid: number }).pid
}

describe('what code in a cell tries', () => {
  test.each(attempts)('%s: not in a confined sandbox', async (_, code) => {
    expect(await confined.says(attempt(code(confined)))).toBe('refused')
  })
  test.each(attempts)('%s: the control, in a sandbox without a wall', async (_, code) => {
    expect(await open.says(attempt(code(open)))).toBe('reached')
  })
})

describe('what a process beside the cells tries', () => {
  const tried = async (of: Tried, code: string) => (await of.sandbox.execPython(attempt(code))).trim()
  test.each(attempts)('%s: not in a confined sandbox', async (_, code) => {
    expect(await tried(confined, code(confined))).toBe('refused')
  })
  test.each(attempts)('%s: the control, in a sandbox without a wall', async (_, code) => {
    expect(await tried(open, code(open))).toBe('reached')
  })
  test('its streams are all that it was given: pipes, of the sandbox’s own user', async () => {
    const code = `import os
print([(os.readlink(f'/proc/self/fd/{fd}').split(':')[0], os.fstat(int(fd)).st_uid == os.getuid()) for fd in ('0', '1', '2')])
print(sorted(os.listdir('/proc/self/fd')))`
    const given = `[('pipe', True), ('pipe', True), ('pipe', True)]\n['0', '1', '2', '3']\n`
    expect(await confined.sandbox.execPython(code)).toBe(given)
  })
})

/** A folder as code inside names it, and where it is on this machine. */
const places: [string, (of: Tried) => string, () => string][] = [
  ['the Python environment', () => 'sys.prefix', () => dirname(dirname(open.sandbox.python))],
  [
    'Seer’s own Python',
    () => `os.path.dirname(__import__('seer_kernel').__file__)`,
    () => join(import.meta.dirname, '../python/seer_kernel'),
  ],
  ['a model', (of) => q(of.sandbox.modelHandles[0]!.path), () => open.sandbox.modelHandles[0]!.path],
  ['programs', () => q('/usr/local'), () => '/usr/local'],
]
const write = (folder: string) =>
  `path = os.path.join(${folder}, ${q(NEEDLE)}); open(path, 'w').close(); os.unlink(path); return True`

describe('what code in a cell tries to change', () => {
  test.each(places)('%s: not in a confined sandbox', async (_, folder) => {
    expect(await confined.says(attempt(write(folder(confined))))).toBe('refused')
  })
  test.each(places)('%s: the control, in a sandbox without a wall', async (_, folder, outside) => {
    await access(outside(), constants.W_OK).then(
      async () => expect(await open.says(attempt(write(folder(open))))).toBe('reached'),
      () => undefined, // Nobody but its owner can change it anyway.
    )
  })
})

test('on this side: nobody has connected but the controls', async () => {
  await vi.waitFor(() => expect(servers.connected()).toBe(6))
})

test('a file that is written to /tmp is in the sandbox’s own', async () => {
  const path = `/tmp/${NEEDLE}`
  await confined.says(`open(${q(path)}, 'w').close()`)
  expect(existsSync(path)).toBe(false)
  await open.says(`open(${q(path)}, 'w').close()`)
  expect(existsSync(path)).toBe(true)
  rmSync(path)
})

test('the list of mounts names neither the model, nor the run, nor the checkout', async () => {
  const mounts = await confined.says(`print(open('/proc/self/mountinfo').read())`)
  expect(mounts).toContain('/models/m0')
  for (const name of ['SmolLM', basename(confined.run.folder), join(import.meta.dirname, '../python')])
    expect(mounts).not.toContain(name)
  // The control: a mount does tell where it comes from.
  expect(mounts).toContain(basename(confined.places.sources))
})

test('the first process has neither environment nor arguments of Seer’s', async () => {
  const text = await confined.says(
    `print([open('/proc/1/' + n).read() if os.access('/proc/1/' + n, os.R_OK) else '' for n in ('cmdline', 'environ')])`.replace(
      'print',
      'import os\nprint',
    ),
  )
  for (const name of ['--bind', '--setenv', 'SEER_BAIT', 'XDG_', confined.places.stateDir])
    expect(text).not.toContain(name)
})

test('no package or file in reach has the name of the model', async () => {
  const search = (folders: string) =>
    `import os\nfound = [n for f in ${folders} for r, d, fs in os.walk(f) for n in d + fs if 'smollm' in n.lower() and 'smollm3' not in n.lower()]\nprint(found)`
  expect(await confined.says(search(`['/opt', '/models', '/workspace', '/run', '/tmp', '/etc']`))).toBe('[]')
  expect(await open.says(search(`[${q(join(cacheRoot(), 'models'))}]`))).toContain('SmolLM2')
})

test('what an experiment needs works: threads, processes, torch, a data loader, files, rows, saved values', async () => {
  expect(
    await confined
      .says(
        `
import concurrent.futures, multiprocessing, os, subprocess, tempfile, getpass, socket
import torch
from torch.utils.data import DataLoader
assert sum(concurrent.futures.ThreadPoolExecutor(4).map(int, '1234')) == 10
assert subprocess.run(['sh', '-c', 'echo hi | awk \\'{print $1}\\''], capture_output=True, text=True).stdout == 'hi\\n'
assert (torch.ones(64, 64) @ torch.ones(64, 64)).sum() == 64 ** 3
assert len(list(DataLoader(list(range(32)), batch_size=8, num_workers=2))) == 4
assert tempfile.gettempdir() == '/tmp' and getpass.getuser() == 'seer' and os.path.expanduser('~') == '/workspace'
server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname()).close()
seer.record({'n': 1}); seer.save('x', {'a': torch.ones(2)}); open('made.txt', 'w').write('made')
print('all')`,
      )
      .then((text) => text.split('\n').at(-1)),
  ).toBe('all')
  expect(readdirSync(join(confined.run.folder, 'results')).sort()).toEqual(['trials.jsonl', 'x.safetensors'])
  for (const path of ['made.txt', '/workspace/made.txt'])
    expect(Buffer.from(await confined.sandbox.readFile(path)).toString()).toBe('made')
})

describe('files that Seer reads and writes in the workspace', () => {
  const secret = () => join(outside, 'file')

  test('a link leads nowhere', async () => {
    await confined.says(`import os
os.symlink(${q(secret())}, 'link'); os.symlink(${q(outside)}, 'folder')
os.mkfifo('pipe')
try: os.link('/etc/passwd', 'hard')
except OSError: pass`)
    for (const path of ['link', 'folder/file', '../../../../../etc/passwd', secret(), 'pipe', 'hard'])
      await expect(confined.sandbox.readFile(path)).rejects.toMatchObject({ code: /^file-(missing|outside)$/ })
    await expect(confined.sandbox.writeFile('folder/new', 'x')).rejects.toMatchObject({ code: 'file-outside' })
    expect(existsSync(join(outside, 'new'))).toBe(false)
  })

  test('a folder that becomes a link between look and open: a thousand times', async () => {
    mkdirSync(join(outside, 'swap'))
    writeFileSync(join(outside, 'swap', 'f'), NEEDLE)
    await confined.says(`
import ctypes, os, threading
os.mkdir('d'); open('d/f', 'w').write('own'); os.symlink(${q(join(outside, 'swap'))}, 'lead')
exchange = lambda: ctypes.CDLL(None).renameat2(-100, b'd', -100, b'lead', 2)
def swap():
    while not os.path.exists('stop'): exchange()
threading.Thread(target=swap, daemon=True).start()`)
    const workspace = join(confined.places.sources, 'workspace')
    const seen = { seer: new Set<string>(), naive: new Set<string>() }
    for (let i = 0; i < 1000; i++) {
      const text = await confined.sandbox.readFile('d/f').catch(() => undefined)
      if (text) seen.seer.add(Buffer.from(text).toString())
      await confined.sandbox.writeFile('d/w', 'x').catch(() => undefined)
      try {
        seen.naive.add(readFileSync(join(workspace, 'd/f'), 'utf8'))
      } catch {
        // It was away at that moment.
      }
    }
    await confined.says(`open('stop', 'w').close()`)
    expect([...seen.seer]).toEqual(['own'])
    expect(readdirSync(join(outside, 'swap'))).toEqual(['f'])
    // The control: a plain read is led astray.
    expect(seen.naive).toContain(NEEDLE)
  })
})

test('the log and run.json say by what it is confined, and who holds it to its limits', () => {
  expect(confined.start).toMatchObject({ confinement: 'bubblewrap', workspacePath: '/workspace' })
  expect(Object.keys(confined.start.limits!)).toEqual(['memory', 'processes', 'disk'])
  for (const { how, by, limit } of Object.values(confined.start.limits!)) {
    expect(['enforced', 'watched', 'none']).toContain(how)
    expect(by).not.toBe('')
    expect(limit).toBeGreaterThan(1000)
  }
  const json = JSON.parse(readFileSync(join(confined.run.folder, 'run.json'), 'utf8')) as object
  expect(json).toMatchObject({ confinement: 'bubblewrap', limits: confined.start.limits })
  expect(open.start).not.toHaveProperty('limits')
})

test('its end takes along what the agent’s code left running, its mounts, its groups and its files', async () => {
  const mountsBefore = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(' /mnt/'))
  const one = await startTried({ unconfined: false })
  const mark = `left-${NEEDLE}`
  await one.says(`import subprocess
subprocess.Popen(['sh', '-c', 'setsid -f sh -c "trap \\'\\' TERM INT HUP; sleep 1000" ${mark}; exit'], env={}, start_new_session=True).wait()`)
  const left = () => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(mark))
  expect(left().length).toBeGreaterThan(0)
  const { stateDir, runtimeDir, cgroups } = one.places
  await one[Symbol.asyncDispose]()
  expect(left()).toEqual([])
  expect([stateDir, runtimeDir, ...cgroups].filter((path) => existsSync(path))).toEqual([])
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  expect(
    mounts.split('\n').filter((line) => [basename(stateDir), ' /mnt/'].some((name) => line.includes(name))),
  ).toEqual(mountsBefore)
})

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
