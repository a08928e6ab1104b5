/** The GPUs of this machine that a sandbox is given: NVIDIA's, as their driver tells of them. Nothing is started for it. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { SeerError } from '../../errors.ts'
import { untilAborted } from '../../until-aborted.ts'
import type { SetupContext } from '../progress.ts'
import { runTool, tail } from '../run-tool.ts'
import { chooseGpus } from './choose-gpus.ts'
import { librariesOutside } from './driver-libraries.ts'
import { parseGpus, type Gpu } from './nvidia-smi.ts'

/** A driver that hangs takes whoever asks it with it. */
const ASKING_MS = 60_000
/** Beside the GPU's own. Only the driver can make them, and nothing inside may call it. */
const SHARED_DEVICES = ['/dev/nvidiactl', '/dev/nvidia-uvm']
const MORE_DEVICES = ['/dev/nvidia-uvm-tools']

export interface SandboxGpus {
  /** For the log. */
  readonly names: readonly string[]
  readonly freeBytes: number
  /** To be seen behind the wall, beside what lies in /usr. */
  readonly devices: readonly string[]
  readonly libraries: readonly { readonly source: string; readonly target: string }[]
  readonly environment: Readonly<Record<string, string>>
}

interface Asked {
  readonly gpu: string | null
  readonly gpuCount?: number | undefined
}

/** Undefined where none was asked for. Throws `gpu-missing` with what was looked for and what is there. */
export async function findGpus({ gpu, gpuCount }: Asked, context: SetupContext): Promise<SandboxGpus | undefined> {
  if (gpu === null) return undefined
  const chosen = chooseGpus({ gpu, count: gpuCount ?? 1 }, parseGpus(await askDriver(gpu, context)))
  const own = chosen.map(({ minor }) => `/dev/nvidia${minor}`)
  for (const device of [...own, ...SHARED_DEVICES]) checkDevice(device)
  return {
    names: chosen.map(({ name }) => name),
    freeBytes: chosen.reduce((sum, { freeMiB }) => sum + (freeMiB ?? 0) * 1024 ** 2, 0),
    devices: [...own, ...SHARED_DEVICES, ...MORE_DEVICES.filter((device) => existsSync(device))],
    libraries: await librariesOutside(context),
    environment: visible(chosen),
  }
}

/** By their ids: numbers mean something else to each program that counts. */
export function visible(gpus: readonly Pick<Gpu, 'uuid'>[]): Record<string, string> {
  return { CUDA_VISIBLE_DEVICES: gpus.map(({ uuid }) => uuid).join(',') }
}

async function askDriver(gpu: string, { env = process.env, signal }: SetupContext): Promise<string> {
  const deadline = AbortSignal.timeout(ASKING_MS)
  const until = signal ? AbortSignal.any([signal, deadline]) : deadline
  const asked = runTool(['nvidia-smi', '-q', '-x'], { env: { ...env, LC_ALL: 'C' }, signal: until })
  const result = await untilAborted(asked, until).catch((cause: unknown) => {
    signal?.throwIfAborted()
    throw noDriver(
      gpu,
      deadline.aborted ? `nvidia-smi did not answer in ${ASKING_MS / 1000} s` : 'there is no nvidia-smi on PATH',
      cause,
    )
  })
  if (result.exitCode === 0) return result.stdout
  throw noDriver(gpu, `nvidia-smi ended with ${result.exitCode}: ${tail(result.stdout || result.stderr, 3)}`)
}

function noDriver(gpu: string, why: string, cause?: unknown): SeerError {
  const device = existsSync('/dev/nvidiactl') ? '/dev/nvidiactl is there' : 'there is no /dev/nvidiactl'
  const others = [
    existsSync('/dev/kfd') ? 'There is an AMD GPU (/dev/kfd); Seer uses none of theirs yet.' : '',
    existsSync('/dev/dxg') ? 'This is Windows’ Linux (/dev/dxg), whose GPUs Seer does not use yet.' : '',
    process.platform === 'darwin' ? 'GPUs of Apple are not used yet.' : '',
  ].filter((text) => text !== '')
  return new SeerError('gpu-missing', {
    message: [`A GPU "${gpu}" was asked for, and no driver of NVIDIA’s was found: ${why}; ${device}.`, ...others].join(
      ' ',
    ),
    hint: 'Take `gpu` out (or set it to null) for the CPU, or run it on a machine with such a GPU, where `nvidia-smi` lists it.',
    cause,
  })
}

function checkDevice(device: string): void {
  const why = whyUnusable(device)
  if (why === undefined) return
  throw new SeerError('gpu-unusable', {
    message: `The driver lists the GPU, but ${device} ${why}.`,
    hint: existsSync(device)
      ? `Whoever starts Seer must be allowed to use it (ls -l ${device}).`
      : 'Run `sudo nvidia-modprobe -u -c 0` once after the machine has started; in a container, give it the device.',
  })
}

/** Root's sandboxes are another user's. */
function whyUnusable(device: string): string | undefined {
  if (!existsSync(device)) return 'is not there'
  try {
    accessSync(device, constants.R_OK | constants.W_OK)
  } catch {
    return 'cannot be opened by you'
  }
  const isClosed = process.getuid?.() === 0 && (statSync(device).mode & 0o006) !== 0o006
  return isClosed ? 'can be opened by few users only, and a sandbox that root starts is none of them' : undefined
}
