import { createHash } from 'node:crypto'
import { utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { plural } from '../amounts.ts'
import { buildOnce, exists, readyMark } from './cache.ts'
import type { Python } from './find-python.ts'
import { readPipConfig, uvIndexEnvironment } from './package-index.ts'
import { startStep, type SetupContext, type Step } from './progress.ts'
import { packageName } from './requirements.ts'
import { resolvePackages, type TorchBuild } from './resolve-packages.ts'
import { runTool } from './run-tool.ts'
import { toolFailure } from './setup-failure.ts'
import { ensureUv, uvVersion } from './uv.ts'

/** Raised when environments are built in another way, so that old ones are not taken for new ones. */
const formatNumber = 1

export const readySchema = z.object({
  id: z.string(),
  uvVersion: z.string(),
  packages: z.number(),
  megabytes: z.number(),
})

/** Well below what counts as just used (`environments.ts`). */
const KEEP_USED_MS = 4 * 60_000

export const LOCK_FILE = 'env.lock'

export const environmentsFolder = (cache: string): string => join(cache, 'environments')

export function environmentId(
  requirements: string[],
  python: Pick<Python, 'version' | 'platform'>,
  torch: TorchBuild = 'cpu',
): string {
  const what = [formatNumber, requirements, python.version, python.platform, torch, uvVersion]
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16)
}

export interface BuiltEnvironment {
  readonly id: string
  readonly path: string
  readonly built: boolean
}

/** The environment of exactly these requirements, made once and not changed afterwards. Costs a file read when it is there. */
export async function buildEnvironment(
  requirements: string[],
  python: Python,
  cache: string,
  context: SetupContext,
  torch: TorchBuild = 'cpu',
): Promise<BuiltEnvironment> {
  const id = environmentId(requirements, python, torch)
  const path = join(environmentsFolder(cache), id)
  const step = startStep(context, 'Python environment')
  const { value, built } = await buildOnce(path, {
    schema: readySchema,
    // Also false when the Python below was removed: the link then points nowhere.
    isUsable: () => exists(join(path, 'bin', 'python')),
    signal: context.signal,
    onWait: (holder) => step.update(`${holder} is making it; waiting`),
    build: (folder) => build({ folder, id, python, requirements, torch, context, step }),
  })
  // When it was last used is told by this time; `seer env` reads it.
  await utimes(join(path, readyMark), new Date(), new Date()).catch(() => undefined)
  const size = `${plural(value.packages, 'package')}, ${(value.megabytes / 1_000).toFixed(1)} GB`
  step.done(built ? `${size}, for Python ${python.version}` : `ready (${size})`)
  return { id, path, built }
}

/** For one that no sandbox is seen to use: an environment is not removed while it was used a short time ago. */
export function keepUsed({ path }: Pick<BuiltEnvironment, 'path'>): () => void {
  const tell = () => void utimes(join(path, readyMark), new Date(), new Date()).catch(() => undefined)
  const timer = setInterval(tell, KEEP_USED_MS).unref()
  return () => clearInterval(timer)
}

type Build = {
  folder: string
  id: string
  python: Python
  requirements: string[]
  torch: TorchBuild
  context: SetupContext
  step: Step
}

async function build(build: Build): Promise<z.infer<typeof readySchema>> {
  const { folder, id, python, requirements, torch, context, step } = build
  const uv = await ensureUv(python, context)
  const pip = await readPipConfig(python, context)
  const env: NodeJS.ProcessEnv = {
    ...uvIndexEnvironment(pip, context.env ?? process.env),
    UV_PYTHON_DOWNLOADS: 'never',
    UV_NO_PROGRESS: '1',
    VIRTUAL_ENV: '',
  }
  const run = async (doing: string, args: string[]) => {
    const onLine = (line: string) => {
      // The last thing that uv says before it compiles, which takes as long as all before it.
      const isInstalled = /^Installed \d+ packages?/.test(line.trim())
      if (isInstalled) step.update('byte-compiling the packages, so that imports are fast (up to a minute)')
      else if (line.trim()) step.update(`${doing}: ${line.trim()}`)
    }
    const result = await runTool([uv.path, ...args], { env, cwd: tmpdir(), signal: context.signal, onLine })
    if (result.exitCode === 0) return result.stdout
    throw toolFailure({ tool: 'uv', doing, needed: requirements.join(', '), path: folder, result })
  }

  step.update(`making it with Python ${python.version}: ${contentOf(requirements, torch)}, first time only)`)
  // Relocatable, because it is renamed into place when it is whole.
  await run('making an empty environment', ['venv', '--quiet', '--relocatable', '--python', python.executable, folder])
  const inside = join(folder, 'bin', 'python')
  const hasFindLinks = pip.findLinks.length > 0
  const resolution = await resolvePackages({
    uv,
    python: inside,
    requirements,
    folder,
    env,
    hasFindLinks,
    torch,
    signal: context.signal,
  })
  // Byte-compiled now, so that the first import of torch or transformers does not have to.
  const install = ['pip', 'install', '--python', inside, '--no-deps', '--compile-bytecode', ...resolution.torchArgs]
  await run(`installing ${resolution.lines.length} packages`, [...install, '--requirement', resolution.file])

  const packages = await listPackages(
    await run('listing', ['pip', 'list', '--quiet', '--python', inside, '--format', 'json']),
  )
  await writeFile(join(folder, LOCK_FILE), `${packages.join('\n')}\n`)
  return { id, uvVersion: uv.version, packages: packages.length, megabytes: await diskUse(folder, env) }
}

function contentOf(requirements: readonly string[], torch: TorchBuild): string {
  const names = requirements.map(packageName)
  if (!names.includes('torch')) return `${names.join(', ')} (about 200 MB`
  const what = torch === 'cpu' ? 'torch for CPU' : 'torch for this machine’s GPU'
  return `${what}, transformers, ipykernel … (${torch === 'cpu' ? 'about 1.4 GB' : 'several GB'}`
}

/** Not `pip freeze`, whose lines hold local paths and hosts for packages that came by url. */
async function listPackages(json: string): Promise<string[]> {
  const list = z.array(z.object({ name: z.string(), version: z.string() })).parse(JSON.parse(json))
  return list.map(({ name, version }) => `${name}==${version}`).sort()
}

async function diskUse(folder: string, env: NodeJS.ProcessEnv): Promise<number> {
  const result = await runTool(['du', '-sk', folder], { env }).catch(() => undefined)
  return Math.round((Number.parseInt(result?.stdout ?? '', 10) || 0) / 1_000)
}
