import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../../../test/fixtures/memory-run.ts'
import { cgroupFolders, makeCgroups, removeCgroups } from './cgroups.ts'
import { limitsFor } from './limits.ts'

const limits = limitsFor({ memoryBytes: 8e9, cores: 2, freeDiskBytes: 1e10, kernelRelease: '6.1' })
const mount = (root: string, place: string, kind: string, options: string) =>
  `31 23 0:28 ${root} ${place} rw,relatime shared:4 - ${kind} ${kind} ${options}\n`

test('where this process stands: version 2, version 1, and a container that sees only a part', () => {
  expect(
    cgroupFolders({ mounts: mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw'), own: '0::/user.slice/a.scope\n' }).unified,
  ).toEqual({ folder: '/sys/fs/cgroup/user.slice/a.scope', isFirst: false })
  expect(cgroupFolders({ mounts: mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw'), own: '0::/\n' }).unified).toEqual({
    folder: '/sys/fs/cgroup',
    isFirst: true,
  })
  const { byController } = cgroupFolders({
    mounts:
      mount('/docker/abc', '/sys/fs/cgroup/memory', 'cgroup', 'rw,memory') +
      mount('/', '/sys/fs/cgroup/pids', 'cgroup', 'rw,pids'),
    own: '4:memory:/docker/abc/x\n8:pids:/\n9:name=systemd:/\n',
  })
  expect(Object.fromEntries(byController)).toEqual({
    memory: '/sys/fs/cgroup/memory/x',
    pids: '/sys/fs/cgroup/pids',
  })
})

/** Files as the system would have them; it makes those of a new group itself, which a plain folder does not. */
test('version 2 where it was delegated; nothing is left where a group cannot be set up', async () => {
  const root = newFolder()
  mkdirSync(join(root, 'slice/own'), { recursive: true })
  for (const name of ['slice/cgroup.subtree_control', 'slice/cgroup.procs'])
    writeFileSync(join(root, name), 'memory pids\n')
  const files = { mounts: mount('/', root.replaceAll(' ', '\\040'), 'cgroup2', 'rw'), own: '0::/slice/own\n' }
  const made = makeCgroups('seer-sb-1', limits, files)
  // A plain folder has no `cgroup.procs`, so it is given up, and taken back.
  expect(made).toEqual({ folders: [], held: {} })
  expect(existsSync(join(root, 'slice/seer-sb-1'))).toBe(false)
  await removeCgroups([join(root, 'slice/seer-sb-1')])
})

test('groups that nobody is left to remove go after a day; younger ones and others’ stay', () => {
  const root = newFolder()
  const files = { mounts: mount('/', root.replaceAll(' ', '\\040'), 'cgroup', 'rw,pids'), own: '8:pids:/\n' }
  for (const name of ['seer-sb-0123456789', 'seer-sb-1123456789', 'seer-other']) mkdirSync(join(root, name))
  for (const name of ['seer-sb-0123456789', 'seer-other']) utimesSync(join(root, name), 1, 1)
  makeCgroups('seer-sb-2', limits, files)
  expect(readdirSync(root).sort()).toEqual(['seer-other', 'seer-sb-1123456789'])
})

test('on this machine: what is said to be held is held, and goes away again', async () => {
  const { folders, held } = makeCgroups(`seer-test-${process.pid}`, limits)
  expect(folders.length > 0).toBe(Object.keys(held).length > 0)
  for (const folder of folders) {
    const names = ['memory.limit_in_bytes', 'memory.max', 'pids.max'].filter((name) => existsSync(join(folder, name)))
    for (const name of names) {
      const value = Number(readFileSync(join(folder, name), 'utf8'))
      // Memory is counted in whole pages.
      expect(Math.abs(value - (name === 'pids.max' ? limits.processes : limits.memoryBytes))).toBeLessThan(65536)
    }
  }
  await removeCgroups(folders)
  expect(folders.filter((folder) => existsSync(folder))).toEqual([])
})
