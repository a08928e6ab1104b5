/** What must be true on a machine before a sandbox starts on it: the Python environment and the models. */
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'
import { ensureEmbeddedModel } from './embedded-model.ts'
import type { Progress } from './progress.ts'
import { ensureEnvironment, type PythonEnvironment } from './python-environment.ts'

/** The small chat model that Seer brings: real, on the CPU, without an account. */
export const EMBEDDED_MODEL = 'embedded'

/** A model on the sandbox's machine. */
export interface ModelHandle {
  readonly name: string
  readonly varName: string
  /** Its folder, on the sandbox's machine. */
  readonly path: string
  readonly dtype: string
  readonly weightsSha256: string
  readonly quantisation: string
  /** Number of weights. */
  readonly parameters: number
}

interface Wanted {
  readonly models: readonly { name: string; varName: string }[]
  readonly pythonPackages: readonly string[]
}

/** Before anything starts: only models that this backend can load, and each variable once. */
export function checkModels(models: Wanted['models']): void {
  for (const [i, { name, varName }] of models.entries()) {
    if (name !== EMBEDDED_MODEL) {
      throw new SeerError('model-unsupported', {
        message: `The model "${name}" cannot be loaded by this version of Seer${didYouMean(name, [EMBEDDED_MODEL]) || '.'}`,
        hint: `The local backend loads the embedded model only: { name: '${EMBEDDED_MODEL}' }.`,
      })
    }
    if (models.findIndex((other) => other.varName === varName) < i) {
      throw new SeerError('model-variable', {
        message: `Two models are to be loaded into the variable "${varName}".`,
        hint: 'Give each model its own varName.',
      })
    }
  }
}

export async function prepare(
  wanted: Wanted,
  context: { signal: AbortSignal; progress: Progress },
): Promise<{ environment: PythonEnvironment; modelHandles: ModelHandle[] }> {
  const environment = await ensureEnvironment({ pythonPackages: wanted.pythonPackages }, context)
  const modelHandles: ModelHandle[] = []
  for (const { varName } of wanted.models) {
    const { name, path, weightsSha256, quantisation, parameters } = await ensureEmbeddedModel(environment, context)
    modelHandles.push({ name, varName, path, dtype: 'float32', weightsSha256, quantisation, parameters })
  }
  return { environment, modelHandles }
}
