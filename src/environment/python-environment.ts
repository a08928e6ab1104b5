import { join } from 'node:path'
import { SeerError } from '../errors.ts'
import { buildEnvironment, environmentId, environmentsFolder, LOCK_FILE, readySchema } from './build-environment.ts'
import { cacheRoot, exists, readReady } from './cache.ts'
import { choosePython } from './choose-python.ts'
import { useEnvironment } from './existing-environment.ts'
import type { SetupContext } from './progress.ts'
import type { TorchBuild } from './resolve-packages.ts'
import { composeRequirements, neededRequirements } from './requirements.ts'

export type PythonEnvironment = {
  /**
   * Of one that Seer made: a hash of what was asked for and the Python below it, so that the same id on two days may hold other
   * indirect packages. Of one that was there: a hash of all that it holds. `lock` tells.
   */
  id: string
  path: string
  python: string
  /** The interpreter whose pip was asked where packages come from. */
  pipOf: string
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
  /** An environment to use as it is, or an interpreter (its path or version) to make one with. */
  python?: string | undefined
  /** An environment that is used as it is must hold what loads models. */
  forModels?: boolean
  /** Of one that is made: for the CPU unless said otherwise. */
  torch?: TorchBuild
}

/** A Python environment: made once, in the cache, and not changed afterwards, or one that the researcher has. */
export async function ensureEnvironment(
  request: EnvironmentRequest = {},
  context: SetupContext = {},
): Promise<PythonEnvironment> {
  const startedAt = performance.now()
  const cache = cacheRoot(context.env)
  const chosen = await choosePython(request.python, cache, context)
  if (chosen.kind === 'environment') {
    const { path } = chosen
    refusePackages(path, request.pythonPackages)
    const needed = await neededRequirements(request.forModels === true, request.requirementFiles)
    const { id, python, lock } = await useEnvironment(path, needed, cache, context)
    const tookMs = performance.now() - startedAt
    return { id, path, python, pipOf: python, lock, isStandard: false, reused: true, tookMs }
  }
  const { python } = chosen
  const requirements = await composeRequirements(request.pythonPackages, request.requirementFiles)
  const { id, path, built } = await buildEnvironment(requirements, python, cache, context, request.torch)
  return {
    id,
    path,
    python: join(path, 'bin', 'python'),
    pipOf: python.executable,
    lock: join(path, LOCK_FILE),
    isStandard: id === environmentId(await composeRequirements(), python),
    reused: !built,
    tookMs: performance.now() - startedAt,
  }
}

/** Whether nothing would have to be installed for it. */
export async function isEnvironmentBuilt(request: EnvironmentRequest, context: SetupContext = {}): Promise<boolean> {
  const cache = cacheRoot(context.env)
  const chosen = await choosePython(request.python, cache, context)
  if (chosen.kind === 'environment') return true
  const requirements = await composeRequirements(request.pythonPackages, request.requirementFiles)
  const path = join(environmentsFolder(cache), environmentId(requirements, chosen.python, request.torch))
  return (await exists(join(path, 'bin', 'python'))) && (await readReady(path, { schema: readySchema })) !== undefined
}

function refusePackages(path: string, packages: readonly string[] = []): void {
  if (packages.length === 0) return
  throw new SeerError('setup-python', {
    message: `python is the environment ${path}, which Seer does not change, so pythonPackages (${packages.join(', ')}) cannot be installed.`,
    hint: `Install them into it yourself and take pythonPackages out, or let python be an interpreter: then Seer makes an environment with them.`,
  })
}
