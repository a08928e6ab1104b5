/** What must be true on a machine before a sandbox starts on it: the Python environment and the models. */
import { bringModels } from './models/bring-models.ts'
import { findModels } from './models/find-models.ts'
import type { ParsedModelConfig } from './models/model-config.ts'
import type { ModelHandle } from './models/model-handle.ts'
import type { SetupContext } from './progress.ts'
import { ensureEnvironment, type PythonEnvironment } from './python-environment.ts'
import { packageName, pythonFolder } from './requirements.ts'

interface Wanted {
  readonly models: readonly ParsedModelConfig[]
  readonly pythonPackages: readonly string[]
}

/** Models are looked for first: what cannot be had or does not fit is told before anything is installed. */
export async function prepare(
  wanted: Wanted,
  context: SetupContext,
): Promise<{ environment: PythonEnvironment; modelHandles: ModelHandle[] }> {
  const found = await findModels(wanted.models, context)
  const environment = await ensureEnvironment(packagesFor(wanted), context)
  return { environment, modelHandles: await bringModels(found, environment, context) }
}

/** PEFT comes with the models that need it, in the version that Seer is tested with unless another one is asked for. */
function packagesFor({ models, pythonPackages }: Wanted) {
  const isPeft = (line: string) => packageName(line) === 'peft'
  const needs = pythonPackages.some(isPeft) || models.some((model) => model.isPeft || model.loadAsPeft)
  const hasVersion = pythonPackages.some((line) => isPeft(line) && line.trim() !== 'peft')
  if (!needs || hasVersion) return { pythonPackages }
  return {
    pythonPackages: pythonPackages.filter((line) => !isPeft(line)),
    requirementFiles: [`${pythonFolder}requirements-peft.txt`],
  }
}
