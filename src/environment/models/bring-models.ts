/** After the environment is there: every model on this machine, with what a run's record says of it. */
import { join } from 'node:path'
import { SeerError } from '../../errors.ts'
import { ensureEmbeddedModel } from '../embedded-model.ts'
import { startStep, type SetupContext } from '../progress.ts'
import type { PythonEnvironment } from '../python-environment.ts'
import type { Found, FoundModel } from './find-models.ts'
import { hubCache, rememberListing, repoFolder } from './hub-cache.ts'
import { fetchListed } from './hub.ts'
import { parametersOf, type ModelFiles } from './model-files.ts'
import { readModelFolder } from './model-folder.ts'
import type { ModelHandle, WeightFacts } from './model-handle.ts'
import { hashWeights } from './weights-hash.ts'

export async function bringModels(
  models: readonly FoundModel[],
  environment: PythonEnvironment,
  context: SetupContext,
): Promise<ModelHandle[]> {
  const brought = new Map<Found, WeightFacts>()
  const handles: ModelHandle[] = []
  for (const { config, own, base, dtype } of models) {
    const { varName, device, isPeft, loadAsPeft } = config
    const facts = await bringOnce(own)
    const below = base && (await bringOnce(base))
    const ofBase = below ? { baseModel: below.name, base: below } : {}
    handles.push({ ...facts, varName, dtype, device, isPeft, loadAsPeft, ...ofBase })
  }
  return handles

  async function bringOnce(found: Found): Promise<WeightFacts> {
    const facts = brought.get(found) ?? (await bring(found, environment, context))
    brought.set(found, facts)
    return facts
  }
}

async function bring(found: Found, environment: PythonEnvironment, context: SetupContext): Promise<WeightFacts> {
  if (found.at === 'embedded') {
    const { name, path, weightsSha256, quantisation, parameters } = await ensureEmbeddedModel(environment, context)
    return { name, path, weightsSha256, weightsHashFrom: 'read', quantisation, parameters }
  }
  const step = startStep(context, found.name)
  const { path, files } = found.at === 'hub' ? await fetchFound(found, environment, context) : found
  const hashed = await hashWeights(path, files.weights, context, step)
  const commit = found.at === 'hub' ? found.listed.commit : found.at === 'cache' ? found.commit : undefined
  step.done(`ready in ${path}`)
  return {
    name: found.name,
    path,
    ...(commit === undefined ? {} : { revision: commit }),
    ...hashed,
    quantisation: files.config.quantisation,
    parameters: parametersOf(files),
  }
}

async function fetchFound(
  { wanted, listed }: Extract<Found, { at: 'hub' }>,
  environment: PythonEnvironment,
  context: SetupContext,
): Promise<{ path: string; files: ModelFiles }> {
  const step = startStep(context, wanted.repo)
  await fetchListed(environment.python, wanted, listed, context, step)
  const path = join(repoFolder(hubCache(context.env), wanted.repo), 'snapshots', listed.commit)
  const files = await readModelFolder(path, wanted.kind)
  if (typeof files === 'string') {
    throw new SeerError('model-incomplete', {
      message: `${wanted.repo} came from the hub, and is not whole: ${files}.`,
      hint: 'The repository itself may be broken at this revision: try another one.',
    })
  }
  await rememberListing({ path, commit: listed.commit }, { files: [...listed.needed] })
  step.done(`fetched, commit ${listed.commit.slice(0, 12)}`)
  return { path, files }
}
