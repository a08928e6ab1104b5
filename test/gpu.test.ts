/** GPUs: what is asked of a driver, and a device behind the wall. No machine of the tests has a GPU: `nvidia-smi` is a script here. */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { findGpus } from '../src/environment/gpu/find-gpus.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import type { SandboxConfig } from '../src/environment/sandbox-config.ts'
import { bwrapArgs } from '../src/sandbox/local/wall/bwrap-args.ts'
import { systemMounts } from '../src/sandbox/local/wall/system-files.ts'
import { USER_OF_ROOTS_SANDBOXES } from '../src/sandbox/local/wall/wall.ts'

let root: string
const here = process.cwd()
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seer-gpu-'))
  mkdirSync(join(root, 'bin'))
  mkdirSync(join(root, 'work'))
  vi.stubEnv('XDG_STATE_HOME', join(root, 'state'))
})
afterEach(() => {
  process.chdir(here)
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

/** Stands where the driver's program would. */
function nvidiaSmi(script: string): void {
  writeFileSync(join(root, 'bin/nvidia-smi'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  vi.stubEnv('PATH', `${join(root, 'bin')}:${process.env['PATH']}`)
}

const ONE = `cat <<'XML'
<nvidia_smi_log><attached_gpus>1</attached_gpus>
<gpu id="00000000:53:00.0"><product_name>NVIDIA A100-SXM4-80GB</product_name>
<uuid>GPU-2b2f7b5c-1111-2222-3333-444455556666</uuid><minor_number>97</minor_number>
<fb_memory_usage><total>81920 MiB</total><free>81046 MiB</free></fb_memory_usage></gpu>
</nvidia_smi_log>
XML`

describe('what is said where there is none that can be used', () => {
  test.each([
    ['no driver', undefined, 'gpu-missing', /there is no nvidia-smi on PATH; there is no \/dev\/nvidiactl/],
    [
      'a driver that does not run',
      'echo "NVIDIA-SMI has failed because it could not talk"; exit 9',
      'gpu-missing',
      /ended with 9: NVIDIA-SMI has failed/,
    ],
    [
      'another kind',
      `[ "$*" = "-q -x" ] || exit 1\n${ONE.replaceAll('A100', 'H100')}`,
      'gpu-missing',
      /This machine has 1 × NVIDIA H100-SXM4-80GB/,
    ],
    ['a device that is not there', ONE, 'gpu-unusable', /\/dev\/nvidia97 is not there/],
  ])('%s', async (_, script, code, message) => {
    if (script !== undefined) nvidiaSmi(script)
    await expect(findGpus({ gpu: 'A100' }, {})).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('nobody is asked for a sandbox on the CPU', async () => {
    nvidiaSmi(`touch ${root}/asked`)
    expect(await findGpus({ gpu: null }, {})).toBeUndefined()
    expect(existsSync(join(root, 'asked'))).toBe(false)
  })

  test('an abort does not wait for a driver that hangs', async () => {
    nvidiaSmi('exec sleep 60')
    const started = performance.now()
    await expect(findGpus({ gpu: 'A100' }, { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

test.each<[SandboxConfig]>([
  [{ gpu: 'A100' }],
  [{ gpuCount: 1 }],
  [{ systemPackages: ['ffmpeg'] }],
  [{ debug: true }],
  [{ gpu_count: 1 } as SandboxConfig],
  [{ timeout: 1 }],
  [{ unconfined: true, network: 'open' }],
  [{ repos: [{ url: 'ext::id' }] }],
])('%j leaves neither a run nor a sandbox behind', async (config) => {
  process.chdir(join(root, 'work'))
  const start = async () => Sandbox.start(config, { progress: () => undefined })
  await expect(start()).rejects.toHaveProperty('code')
  expect(readdirSync(join(root, 'work'))).toEqual([])
  expect(existsSync(join(root, 'state'))).toBe(false)
})

/** A device that anyone may open, in the place of a GPU's. */
const DEVICE = '/dev/fuse'

test('a device that is bound can be opened behind the wall, and only that one', ({ skip }) => {
  // A GPU's is open to all; what stands for it here must be, too.
  const isOpen = existsSync(DEVICE) && (statSync(DEVICE).mode & 0o006) === 0o006
  if (!isOpen) skip(`this machine has no ${DEVICE} that is open to all, which stands for a GPU’s`)
  const attempt = (devices: readonly string[]) => {
    const mounts = [...systemMounts(), ...devices.map((target) => ({ kind: 'device', target }) as const)]
    const { args } = bwrapArgs({
      mounts,
      workingFolder: '/',
      environment: { PATH: '/usr/bin:/bin' },
      stageAt: undefined,
    })
    const script = `exec 3<>${DEVICE} && echo opened; ls /dev; touch /dev/new || echo refused`
    const isRoot = process.getuid?.() === 0
    const who = isRoot ? { uid: USER_OF_ROOTS_SANDBOXES, gid: USER_OF_ROOTS_SANDBOXES } : {}
    return spawnSync('bwrap', [...args, '--', '/bin/sh', '-c', `( ${script} )`], { ...who, encoding: 'utf8' }).stdout
  }
  const shown = attempt([DEVICE])
  expect(shown).toContain('opened')
  expect(shown).toContain('refused')
  expect(shown).not.toMatch(/^(kmsg|loop0|mem)$/m)
  expect(attempt([])).not.toContain('opened')
})
