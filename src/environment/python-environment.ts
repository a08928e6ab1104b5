import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { buildOnce, cacheRoot, exists } from './cache.ts'
import { findPythonRemembered, type Python } from './find-python.ts'
import { readPipConfig, uvIndexEnvironment } from './package-index.ts'
import { startStep, type SetupContext, type Step } from './progress.ts'
import { composeRequirements } from './requirements.ts'
import { resolvePackages } from './resolve-packages.ts'
import { runTool } from './run-tool.ts'
import { toolFailure } from './setup-failure.ts'
import { ensureUv, uvVersion } from './uv.ts'

/** Raised when environments are built in another way, so that old ones are not taken for new ones. */
const formatNumber = 1
const torchBackend = 'cpu'

export type PythonEnvironment = {
  /** A hash of what was asked for and the Python below it. The same id on two days may hold other indirect packages: `lock` tells. */
  id: string
  path: string
  python: string
  /** The file with every package and its version, names and versions only. */
  lock: string
  /** Nothing was asked for beyond what every environment holds. */
  isStandard: boolean
  reused: boolean
  tookMs: number
}

export type EnvironmentRequest = {
  /** As for pip, beside the standard ones (torch, transformers, pandas …); a version given here replaces the standard one. */
  pythonPackages?: readonly string[]
  /** More requirements, as paths of files. */
  requirementFiles?: readonly string[]
}

const readySchema = z.object({
  id: z.string(),
  uvVersion: z.string(),
  packages: z.number(),
  megabytes: z.number(),
})

/** A Python environment by hash: made once, in the cache, and not changed afterwards. Costs two file reads when it is there. */
export async function ensureEnvironment(
  request: EnvironmentRequest = {},
  context: SetupContext = {},
): Promise<PythonEnvironment> {
  const startedAt = performance.now()
  const cache = cacheRoot(context.env)
  const python = await findPythonRemembered(cache, context)
  const requirements = await composeRequirements(request.pythonPackages, request.requirementFiles)
  const id = environmentId(requirements, python)
  const path = join(cache, 'environments', id)

  const step = startStep(context, 'Python environment')
  const { value, built } = await buildOnce(path, {
    schema: readySchema,
    // Also false when the Python below was removed: the link then points nowhere.
    isUsable: () => exists(join(path, 'bin', 'python')),
    signal: context.signal,
    onWait: (holder) => step.update(`${holder} is making it; waiting`),
    build: (folder) => buildEnvironment({ folder, id, python, requirements, context, step }),
  })
  const size = `${value.packages} packages, ${(value.megabytes / 1_000).toFixed(1)} GB`
  step.done(built ? `${size}, for Python ${python.version}` : `ready (${size})`)
  return {
    id,
    path,
    python: join(path, 'bin', 'python'),
    lock: join(path, 'env.lock'),
    isStandard: id === environmentId(await composeRequirements(), python),
    reused: !built,
    tookMs: performance.now() - startedAt,
  }
}

export function environmentId(requirements: string[], python: Pick<Python, 'version' | 'platform'>): string {
  const what = [formatNumber, requirements, python.version, python.platform, torchBackend, uvVersion]
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16)
}

type Build = {
  folder: string
  id: string
  python: Python
  requirements: string[]
  context: SetupContext
  step: Step
}

async function buildEnvironment(build: Build): Promise<z.infer<typeof readySchema>> {
  const { folder, python, requirements, context, step } = build
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

  step.update(
    `making it with Python ${python.version}: torch for CPU, transformers, ipykernel … (about 1.4 GB, first time only)`,
  )
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
    signal: context.signal,
  })
  // Byte-compiled now, so that the first import of torch or transformers does not have to.
  const install = ['pip', 'install', '--python', inside, '--no-deps', '--compile-bytecode', ...resolution.torchArgs]
  await run(`installing ${resolution.lines.length} packages`, [...install, '--requirement', resolution.file])

  const packages = await listPackages(
    await run('listing', ['pip', 'list', '--quiet', '--python', inside, '--format', 'json']),
  )
  await writeFile(join(folder, 'env.lock'), `${packages.join('\n')}\n`)
  return { id: build.id, uvVersion: uv.version, packages: packages.length, megabytes: await diskUse(folder, env) }
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
