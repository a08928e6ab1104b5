import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bwrapArgs, type Mount } from './bwrap-args.ts'

/** Python's tests build their walls with these arguments, their own paths in the place of the names in braces. */
const GOLDEN = join(import.meta.dirname, '../../../../python/tests/wall-args.json')

const staged = (source: string, target: string): Mount => ({ kind: 'read-only', source, target, staged: true })
const mounts: Mount[] = [
  { kind: 'read-only', source: '/usr', target: '/usr', staged: false },
  ...['bin', 'sbin', 'lib', 'lib64'].map((name): Mount => ({
    kind: 'link',
    source: `usr/${name}`,
    target: `/${name}`,
  })),
  { kind: 'memory', target: '/dev/shm', bytes: 67108864 },
  { kind: 'memory', target: '/tmp', bytes: 67108864 },
  staged('{base}', '{base}'),
  staged('{environment}', '/opt/environment'),
  staged('{seer}', '/opt/seer'),
  { kind: 'writable', source: '{workspace}', target: '/workspace', staged: true },
  { kind: 'writable', source: '{runtime}', target: '/run/seer', staged: true },
]
const request = { mounts, workingFolder: '/workspace', environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' } }

test.each([
  ['root', '/mnt'],
  ['user', undefined],
])('the arguments for %s, whole', (who, stageAt) => {
  const plan = bwrapArgs({ ...request, stageAt })
  const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as Record<string, unknown>
  if (process.env['UPDATE_GOLDENS']) writeFileSync(GOLDEN, `${JSON.stringify({ ...golden, [who]: plan }, null, 2)}\n`)
  expect(plan).toEqual((JSON.parse(readFileSync(GOLDEN, 'utf8')) as Record<string, unknown>)[who])
})

test.each([
  '--unshare-all',
  '--unshare-user',
  '--disable-userns',
  '--assert-userns-disabled',
  '--die-with-parent',
  '--new-session',
  '--as-pid-1',
  '--clearenv',
])('%s is always there', (argument) => {
  const { args } = bwrapArgs({ mounts: [], workingFolder: '/', environment: {}, stageAt: undefined })
  expect(args).toContain(argument)
})

test('no network of the host, no rights, another user, and nothing writable that was not asked for', () => {
  const { args, writable, readOnly } = bwrapArgs({ ...request, stageAt: undefined })
  const after = (name: string) => args.flatMap((arg, i) => (arg === name ? [args[i + 1]] : []))
  expect(after('--cap-drop')).toEqual(['ALL'])
  expect([after('--uid'), after('--gid')]).toEqual([['1000'], ['1000']])
  expect(args.filter((arg) => /^--(share-net|cap-add|dev-bind|bind-try)/.test(arg))).toEqual([])
  expect(after('--bind')).toEqual(['{workspace}', '{runtime}'])
  expect(writable).toEqual(['/dev/shm', '/tmp', '/workspace', '/run/seer'])
  expect(readOnly).toContain('/opt/environment')
  expect(args.lastIndexOf('--remount-ro')).toBeGreaterThan(args.lastIndexOf('--bind'))
})

test('for root each source of its own is bound first, and only those', () => {
  const { args, stage } = bwrapArgs({ ...request, stageAt: '/mnt' })
  expect(stage).toEqual(['{base}', '{environment}', '{seer}', '{workspace}', '{runtime}'])
  expect(args.join(' ')).toContain('--ro-bind /mnt/1 /opt/environment')
  expect(args.join(' ')).toContain('--ro-bind /usr /usr')
  expect(args.join(' ')).not.toContain('{workspace}')
})

test('a device is bound as one, before nothing more can be put into /dev', () => {
  const { args } = bwrapArgs({ ...request, mounts: [{ kind: 'device', target: '/dev/nvidia0' }], stageAt: '/mnt' })
  const at = args.indexOf('--dev-bind')
  expect(args.slice(at, at + 3)).toEqual(['--dev-bind', '/dev/nvidia0', '/dev/nvidia0'])
  expect(at).toBeGreaterThan(args.indexOf('--dev'))
  expect(at).toBeLessThan(args.indexOf('--remount-ro'))
})
