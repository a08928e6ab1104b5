/** Each probe that is made at a sandbox's start notices the hole that it is for: walls with one stone taken out are refused. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startHost } from '../src/channel/start-host.ts'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { startLocalMachine } from '../src/sandbox/local/local.ts'
import { requireWall } from '../src/sandbox/local/wall/find-wall.ts'
import type { Wall } from '../src/sandbox/local/wall/wall.ts'
import { ownState } from './fixtures/walled.ts'

type Change = (wall: Wall, sources: string) => Partial<Wall>

let root: string
/** Where everyone may run what lies in it. */
let programs: string
let python: string
let bwrap: string

beforeAll(async () => {
  root = ownState()
  programs = mkdtempSync(join(tmpdir(), 'seer-programs-'))
  chmodSync(programs, 0o755)
  python = (await ensureEnvironment()).python
  bwrap = await requireWall()
})
afterAll(() => {
  for (const folder of [root, programs]) rmSync(folder, { recursive: true })
  vi.unstubAllEnvs()
})

/** What a host says of a wall that was changed; undefined where it starts. */
async function refusal(change: Change): Promise<{ code: string; message: string } | undefined> {
  const id = `sb-${Math.random().toString(16).slice(2, 12)}`
  const started = await startLocalMachine(id, join(root, 'run'), { bwrap })
  const { machine, layout, prepareWall } = started
  try {
    const { wall } = await prepareWall!({ python, models: [] })
    await startHost(
      machine,
      layout,
      {
        sandbox: id,
        python,
        kernelEnv: {},
        leaseSeconds: 60,
        deadlineSeconds: null,
        cellDiskCapBytes: 1e6,
        wall: { ...wall, ...change(wall, dirname(layout.workspace)) },
        network: { open: true, hosts: [] },
      },
      AbortSignal.timeout(60_000),
    )
    return undefined
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return { code, message }
  } finally {
    await machine.terminate()
  }
}

const without =
  (...words: string[]): Change =>
  ({ args }) => ({ args: args.filter((word) => !words.includes(word)) })

/** Arguments beside the others; mounts must come before the root is closed. */
const withArgs =
  (...words: string[]): Change =>
  ({ args }) => {
    const at = args.indexOf('--remount-ro')
    return { args: [...args.slice(0, at), ...words, ...args.slice(at)] }
  }

const both =
  (...changes: Change[]): Change =>
  (wall, sources) =>
    changes.reduce((changed, change) => ({ ...changed, ...change(changed, sources) }), wall)

/** Instead of bubblewrap, a program that starts it in another way. */
function program(name: string, text: string): Change {
  const path = join(programs, name)
  writeFileSync(path, `#!/bin/bash\n${text}\n`)
  chmodSync(path, 0o755)
  return () => ({ program: path })
}
const bare = () => program('bare', `exec ${bwrap} "$1" "$2" "\${@:5}"`)
const leaky = () => program('leaky', `KEY=a-needle exec ${bwrap} "$@"`)

test('a whole wall stands', async () => {
  expect(await refusal(() => ({}))).toBeUndefined()
})

test.each<[string, string, () => Change]>([
  ['a folder of the machine is there', 'files: read', () => withArgs('--bind', '/tmp', '/tmp')],
  ['the machine’s network', 'network: connected', () => withArgs('--share-net')],
  [
    'the machine’s processes',
    'processes: saw',
    () =>
      both(
        without('--unshare-all', '--as-pid-1'),
        withArgs('--unshare-ipc', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'),
      ),
  ],
  [
    'shared queues of the machine',
    'namespaces: shares the namespaces ipc',
    () =>
      both(
        without('--unshare-all'),
        withArgs('--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'),
      ),
  ],
  [
    'the environment of who started it',
    'environments: read',
    () => both(without('--as-pid-1'), leaky(), () => ({ hidden: ['a-needle'] })),
  ],
  ['arguments that tell something', 'arguments: read', () => () => ({ hidden: ['boot.py'] })],
  [
    'a mount that tells where it comes from',
    'mount_sources: read',
    () => (_, sources) => ({ hidden: [basename(sources)] }),
  ],
  [
    'a place that should be read-only',
    'read_only: /opt/environment is mounted writable',
    () =>
      ({ args }) => {
        const changed = [...args]
        changed[args.indexOf('/opt/environment') - 2] = '--bind'
        return { args: changed }
      },
  ],
  ['one more writable place', 'mounts: /opt/more is mounted writable', () => withArgs('--tmpfs', '/opt/more')],
  [
    'a workspace that cannot be written to',
    'mounts: cannot write to /workspace',
    () => withArgs('--remount-ro', '/workspace'),
  ],
  ['rights', 'rights: has capabilities', () => withArgs('--cap-add', 'CAP_NET_RAW')],
  ['root inside', 'rights: is root', () => withArgs('--uid', '0')],
  ['no filter of system calls', 'system_calls: has no filter', bare],
  [
    'user namespaces',
    'user_namespaces: made a user namespace',
    () => both(without('--disable-userns', '--assert-userns-disabled'), bare()),
  ],
])('%s: refused, and the probe says so', async (_, said, change) => {
  const refused = await refusal(change())
  expect(refused).toMatchObject({ code: 'wall-leaks' })
  expect(refused!.message).toContain(said)
})

test.each<[string, RegExp, () => Change]>([
  ['user namespaces are not switched off', /user namespaces/, () => without('--disable-userns')],
  ['an argument that bubblewrap does not know', /no-such/, () => withArgs('--no-such')],
  ['a source that is gone', /gone/, () => withArgs('--ro-bind', '/gone', '/opt/gone')],
])('%s: bubblewrap itself refuses, and its words are told', async (_, words, change) => {
  expect(await refusal(change())).toMatchObject({ code: 'wall-failed', message: expect.stringMatching(words) })
})

test('what was refused has left nothing: no folder and no process', () => {
  expect(readdirSync(join(root, 'state/seer/sandboxes'))).toEqual([])
  const own = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout
  expect(own.split('\n').filter((line) => line.includes(programs))).toEqual([])
})
