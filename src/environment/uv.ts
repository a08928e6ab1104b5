import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { buildOnce, cacheRoot, exists } from './cache.ts'
import { startStep, type SetupContext } from './progress.ts'
import { runTool } from './run-tool.ts'
import { toolFailure } from './setup-failure.ts'
import type { Python } from './find-python.ts'

/** The uv that is brought where there is none; one on PATH will do from this minor version on. */
export const uvVersion = '0.13.9'

export type Uv = { path: string; version: string }

const installedSchema = z.object({ version: z.literal(uvVersion) })

/** uv, which makes the Python environments: the one on PATH if it is new enough, else the pinned one, brought by pip. */
export async function ensureUv(python: Python, context: SetupContext = {}): Promise<Uv> {
  const env = context.env ?? process.env
  const onPath = await uvOnPath(env, context.signal)
  if (onPath) return onPath

  const folder = join(cacheRoot(env), 'tools', `uv-${uvVersion}-${python.platform}`)
  const step = startStep(context, 'uv')
  const { built } = await buildOnce(folder, {
    schema: installedSchema,
    isUsable: () => exists(join(folder, 'bin', 'uv')),
    signal: context.signal,
    onWait: (holder) => step.update(`${holder} is installing it; waiting`),
    build: async (temporary) => {
      step.update(`installing uv ${uvVersion}, which makes the Python environments (about 25 MB, first time only)`)
      await installUv(python, temporary, context)
      return { version: uvVersion }
    },
  })
  const path = join(folder, 'bin', 'uv')
  const sizeMB = Math.round((await stat(path)).size / 1e6)
  step.done(built ? `uv ${uvVersion} installed, ${sizeMB} MB` : `uv ${uvVersion}`)
  return { path, version: uvVersion }
}

async function uvOnPath(env: NodeJS.ProcessEnv, signal: AbortSignal | undefined): Promise<Uv | undefined> {
  const result = await runTool(['uv', '--version'], { env, cwd: tmpdir(), signal }).catch(() => undefined)
  signal?.throwIfAborted()
  const version = /^uv (\d+\.\d+\.\d+)/.exec(result?.stdout ?? '')?.[1]
  return version && isNewEnoughUv(version) ? { path: 'uv', version } : undefined
}

export function isNewEnoughUv(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [pinnedMajor = 0, pinnedMinor = 0] = uvVersion.split('.').map(Number)
  return major > pinnedMajor || (major === pinnedMajor && minor >= pinnedMinor)
}

async function installUv(python: Python, folder: string, context: SetupContext): Promise<void> {
  const env = context.env ?? process.env
  // uv's wheel is one program for any Python, so the pip of another one serves as well.
  const pips: [string, ...string[]][] = python.hasPip ? [[python.executable, '-m', 'pip']] : [['pip3'], ['pip']]
  const args = ['install', '--no-deps', '--only-binary', ':all:', '--disable-pip-version-check']
  for (const pip of pips) {
    const argv: [string, ...string[]] = [...pip, ...args, '--target', folder, `uv==${uvVersion}`]
    const result = await runTool(argv, { env, cwd: tmpdir(), signal: context.signal }).catch(() => undefined)
    context.signal?.throwIfAborted()
    if (!result) continue
    if (result.exitCode === 0 && (await exists(join(folder, 'bin', 'uv')))) return
    throw toolFailure({ tool: 'pip', doing: 'installing uv', needed: `uv==${uvVersion}`, path: folder, result })
  }
  throw new SeerError('setup-failed', {
    message: `neither uv ${uvVersion} nor a pip to install it with was found (looked in ${python.executable} and on PATH)`,
    hint: 'install uv yourself, or pip (apt install python3-pip, or python3 -m ensurepip), and run again',
  })
}
