import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { MAX_SOCKET_PATH_BYTES, socketPath } from './socket-path.ts'

let runtime: string
beforeEach(() => {
  runtime = temporaryFolder('seer-rt-')
})

test('lies in the runtime folder of the user, closed to others, and can be listened on', async () => {
  const path = socketPath(['run-1', 'host.sock'], { env: { XDG_RUNTIME_DIR: runtime } })
  expect(path).toBe(join(runtime, 'seer', 'run-1', 'host.sock'))
  expect(lstatSync(join(runtime, 'seer', 'run-1')).mode & 0o777).toBe(0o700)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  await new Promise((resolve) => server.close(resolve))
})

test.each<[string, () => { XDG_RUNTIME_DIR?: string }]>([
  ['that is too long', () => ({ XDG_RUNTIME_DIR: join(runtime, 'x'.repeat(90)) })],
  ['that is not there', () => ({ XDG_RUNTIME_DIR: '/no/such/folder' })],
  ['that is not given', () => ({})],
  ['that is relative', () => ({ XDG_RUNTIME_DIR: 'here' })],
])('a runtime folder %s is passed over', (_, env) => {
  const given = env()
  if (given.XDG_RUNTIME_DIR?.startsWith(runtime)) mkdirSync(given.XDG_RUNTIME_DIR)
  const path = socketPath(['s.sock'], { env: given })
  expect(path).toBe(join(tmpdir(), `seer-${userInfo().uid}`, 's.sock'))
})

test('room is kept for what the caller will append', () => {
  const env = { XDG_RUNTIME_DIR: runtime }
  const longest = MAX_SOCKET_PATH_BYTES - join(runtime, 'seer').length - 1
  const name = 'n'.repeat(longest - 10)
  expect(socketPath([name], { env, reserveBytes: 10 })).toContain(runtime)
  expect(socketPath([name], { env, reserveBytes: 11 })).not.toContain(runtime)
  expect(() => socketPath(['n'.repeat(95)], { env })).toThrow(
    expect.objectContaining({ code: 'socket-path-too-long' }) as Error,
  )
})

test('a link in the place of the folder is refused', () => {
  mkdirSync(join(runtime, 'elsewhere'))
  symlinkSync(join(runtime, 'elsewhere'), join(runtime, 'seer'))
  expect(() => socketPath(['s'], { env: { XDG_RUNTIME_DIR: runtime } })).toThrow(/is a link or a file/)
})

test('a folder that others may enter is closed', () => {
  mkdirSync(join(runtime, 'seer'))
  chmodSync(join(runtime, 'seer'), 0o777)
  socketPath(['s'], { env: { XDG_RUNTIME_DIR: runtime } })
  expect(lstatSync(join(runtime, 'seer')).mode & 0o777).toBe(0o700)
})

test.runIf(userInfo().uid === 0)('a folder of another user is refused', () => {
  mkdirSync(join(runtime, 'seer'))
  chownSync(join(runtime, 'seer'), 12_345, 12_345)
  expect(() => socketPath(['s'], { env: { XDG_RUNTIME_DIR: runtime } })).toThrow(/belongs to another user/)
})

test.each(['..', 'a/b', '', '.hidden', 'a b'])('%j is no name for a socket', (name) => {
  expect(() => socketPath([name])).toThrow(/not a name/)
})
