/** What must be true on a machine before a sandbox starts on it: the Python environment and the models. */
import { findGpus, type SandboxGpus } from './gpu/find-gpus.ts'
import { bringModels } from './models/bring-models.ts'
import { findModels } from './models/find-models.ts'
import type { ParsedModelConfig } from './models/model-config.ts'
import type { ModelHandle } from './models/model-handle.ts'
import type { SetupContext } from './progress.ts'
import { readPipConfig, type PipConfig } from './package-index.ts'
import { ensureEnvironment, type PythonEnvironment } from './python-environment.ts'
import { fetchRepos, type FetchedRepo } from './repos/fetch-repo.ts'
import type { ParsedRepoConfig } from './repos/repo-config.ts'
import { packageName, pythonFolder } from './requirements.ts'

interface Wanted {
  readonly models: readonly ParsedModelConfig[]
  readonly pythonPackages: readonly string[]
  readonly python?: string | undefined
  readonly repos: readonly ParsedRepoConfig[]
  readonly gpu: string | null
  readonly gpuCount?: number | undefined
}

export interface Prepared {
  readonly environment: PythonEnvironment
  readonly modelHandles: readonly ModelHandle[]
  /** Where packages come from, passwords and all: `pipInside` makes of it what the agent's code may know. */
  readonly pip: PipConfig
  readonly repos: readonly FetchedRepo[]
  /** Undefined where none was asked for. */
  readonly gpus: SandboxGpus | undefined
}

/** GPU, repositories and models are looked for first: what cannot be had or does not fit is told before anything is installed. */
export async function prepare(wanted: Wanted, context: SetupContext): Promise<Prepared> {
  const gpus = await findGpus(wanted, context)
  const repos = await fetchRepos(wanted.repos, context)
  const found = await findModels(wanted.models, context, gpus?.freeBytes)
  const { python, models } = wanted
  const request = {
    ...packagesFor(wanted),
    python,
    forModels: models.length > 0,
    torch: gpus ? 'auto' : 'cpu',
  } as const
  const environment = await ensureEnvironment(request, context)
  const pip = await readPipConfig({ executable: environment.pipOf }, context)
  return { environment, pip, repos, gpus, modelHandles: await bringModels(found, environment, context) }
}

/** PEFT comes with the models that need it, in the version that Seer is tested with unless another one is asked for. */
export function packagesFor({ models, pythonPackages }: Pick<Wanted, 'models' | 'pythonPackages'>) {
  const isPeft = (line: string) => packageName(line) === 'peft'
  const needs = pythonPackages.some(isPeft) || models.some((model) => model.isPeft || model.loadAsPeft)
  const hasVersion = pythonPackages.some((line) => isPeft(line) && line.trim() !== 'peft')
  if (!needs || hasVersion) return { pythonPackages }
  return {
    pythonPackages: pythonPackages.filter((line) => !isPeft(line)),
    requirementFiles: [`${pythonFolder}requirements-peft.txt`],
  }
}
