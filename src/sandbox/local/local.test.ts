import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newFolder } from '../../../test/fixtures/memory-run.ts'
import type { StartedMachine } from '../backend.ts'
import { attachLocalMachine, startLocalMachine } from './local.ts'

let started: StartedMachine
let workspace: string

beforeEach(async () => {
  vi.stubEnv('XDG_STATE_HOME', newFolder())
  started = await startLocalMachine(`sb-${Math.random().toString(16).slice(2)}`, '/runs/one', { bwrap: undefined })
  workspace = started.layout.workspace
})
afterEach(async () => {
  await started.machine.terminate()
  vi.unstubAllEnvs()
})

test('a file goes in with its folders, and comes out', async () => {
  await started.machine.writeFile('a/b c/ü.txt', Buffer.from('text'))
  expect(Buffer.from(await started.machine.readFile('a/b c/ü.txt')).toString()).toBe('text')
  await started.machine.writeFile('a/b c/ü.txt', Buffer.from('new'))
  expect(readFileSync(join(workspace, 'a/b c/ü.txt'), 'utf8')).toBe('new')
})

test.each([
  ['nothing', 'missing.txt', 'file-missing', /^There is no file missing/],
  ['nothing, in a folder that is not there', 'no/such/file', 'file-missing', /^There is no file/],
  ['a folder', 'folder', 'file-missing', /^folder is not a plain file/],
  ['the workspace itself', '.', 'file-missing', /is not a plain file/],
  ['a link', 'link', 'file-missing', /^link is a link, and links are not followed/],
  ['a file behind a link to a folder outside', 'outside/secret', 'file-outside', /leads through a link/],
  ['a path that goes up', '../run-folder', 'file-outside', /not inside/],
  ['a path from the root', '/etc/hostname', 'file-outside', /not inside/],
  ['what lies in a file', 'large/x', 'file-missing', /leads through a file/],
  ['a name that there cannot be', 'x'.repeat(300), 'file-missing', /longer name than/],
  ['what is too large', 'large', 'file-too-large', /101 bytes; at most 100/],
])('%s is not read (%s)', async (_, path, code, text) => {
  mkdirSync(join(workspace, 'folder'))
  const secret = newFolder()
  writeFileSync(join(secret, 'secret'), 'x')
  symlinkSync(join(secret, 'secret'), join(workspace, 'link'))
  symlinkSync(secret, join(workspace, 'outside'))
  writeFileSync(join(workspace, 'large'), '')
  truncateSync(join(workspace, 'large'), 101)
  await expect(started.machine.readFile(path, { maxBytes: 100 })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(text) as string,
  })
})

test('a name that there cannot be is not written, and no place of this machine is in the error', async () => {
  const written = started.machine.writeFile('x'.repeat(300), Buffer.from('x'))
  await expect(written).rejects.toMatchObject({
    code: 'file-missing',
    message: expect.stringMatching(/^x{300} is a longer name/) as string,
  })
})

test.each(['../x.py', '/tmp/x.py', 'libraries-link/x.py'])('nothing is written to %s', async (path) => {
  const elsewhere = newFolder()
  symlinkSync(elsewhere, join(workspace, 'libraries-link'))
  await expect(started.machine.writeFile(path, Buffer.from('x'))).rejects.toMatchObject({ code: 'file-outside' })
  expect(existsSync(join(elsewhere, 'x.py'))).toBe(false)
})

test('a process: its output, its end; one that cannot be started is an error', async () => {
  const child = await started.machine.spawn(['sh', '-c', 'echo out; echo err >&2; exit 3'])
  const [out, err] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()])
  expect([Buffer.concat(out).toString(), Buffer.concat(err).toString(), await child.exited]).toEqual([
    'out\n',
    'err\n',
    { code: 3, signal: null },
  ])
  await expect(started.machine.spawn(['/no/such/program'])).rejects.toMatchObject({ code: 'spawn-failed' })
})

test('a later process finds it by what the log says; terminate leaves nothing, twice', async () => {
  const again = attachLocalMachine(JSON.parse(JSON.stringify(started.attach)))
  expect(again?.layout).toEqual(started.layout)
  expect(attachLocalMachine({ id: 1 })).toBeUndefined()
  await again?.machine.terminate()
  await started.machine.terminate()
  expect([existsSync(started.layout.stateDir), existsSync(started.layout.runtimeDir)]).toEqual([false, false])
})

test('also where the agent’s code has closed its folders to its own user', async () => {
  mkdirSync(join(workspace, 'closed/inner'), { recursive: true })
  writeFileSync(join(workspace, 'closed/inner/file'), '')
  symlinkSync('/', join(workspace, 'closed/link'))
  for (const folder of ['closed/inner', 'closed', '.']) chmodSync(join(workspace, folder), 0)
  await started.machine.terminate()
  expect(existsSync(started.layout.stateDir)).toBe(false)
})

test('also where they are nested deeper than a path can say, and closed', async () => {
  const script = `import os
os.chdir(${JSON.stringify(workspace)})
for depth in range(40):
    os.mkdir(b'\\x1b\\xff' + b'x' * 180); os.chdir(b'\\x1b\\xff' + b'x' * 180)
    open('file', 'w').close()
os.symlink('/', 'link'); os.mkdir('closed'); os.chmod('closed', 0); os.chmod('.', 0)`
  execFileSync('python3', ['-c', script])
  await started.machine.terminate()
  expect(existsSync(started.layout.stateDir)).toBe(false)
})
