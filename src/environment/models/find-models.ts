/** Before anything is installed: where each model is, whether it is whole, and whether it fits. */
import { mkdir, statfs } from 'node:fs/promises'
import { SeerError } from '../../errors.ts'
import { cacheRoot } from '../cache.ts'
import { findPythonRemembered } from '../find-python.ts'
import { startStep, type SetupContext, type Step } from '../progress.ts'
import { completeness, findSnapshot, hubCache, type HubWanted } from './hub-cache.ts'
import { lookUp, type Listed } from './hub.ts'
import { checkAllFit, gigabytes, type Load } from './memory.ts'
import type { ParsedModelConfig } from './model-config.ts'
import { dtypeOf, loadedBytes, NOT_QUANTISED, parametersOf, storedBytes, type ModelFiles } from './model-files.ts'
import { readModelFolder, type ModelKind } from './model-folder.ts'
import { sourceOf } from './model-name.ts'

/** Where a model's files are, or are to come from. */
export type Found =
  | { readonly at: 'embedded'; readonly name: string; readonly files: ModelFiles }
  | { readonly at: 'folder'; readonly name: string; readonly path: string; readonly files: ModelFiles }
  | {
      readonly at: 'cache'
      readonly name: string
      readonly path: string
      readonly commit: string
      readonly files: ModelFiles
    }
  | {
      readonly at: 'hub'
      readonly name: string
      readonly wanted: HubWanted
      readonly listed: Listed
      readonly files: ModelFiles
    }

export interface FoundModel {
  readonly config: ParsedModelConfig
  readonly own: Found
  readonly base: Found | undefined
  readonly dtype: string
}

const EMBEDDED_FILES: ModelFiles = {
  weights: [{ name: 'model.safetensors', bytes: 538_090_408 }],
  elements: { F32: 134_515_008 },
  config: { dtype: 'float32', quantisation: NOT_QUANTISED },
}

/** Throws for a model that is not whole, not there, not ours to read, or too big for this machine, or for its GPUs where it has some. */
export async function findModels(
  configs: readonly ParsedModelConfig[],
  context: SetupContext,
  freeGpuBytes?: number,
): Promise<FoundModel[]> {
  const known = new Map<string, Found>()
  const models: FoundModel[] = []
  for (const config of configs) {
    const own = await findOnce(config.name, config.revision, config.isPeft ? 'adapter' : 'model')
    const base =
      config.baseModel === undefined ? undefined : await findOnce(config.baseModel, config.baseRevision, 'model')
    models.push({ config, own, base, dtype: dtypeOf((base ?? own).files, config.dtype) })
  }
  checkAllFit(models.map(loadOf), freeGpuBytes)
  await checkDisk(models, context)
  return models

  async function findOnce(name: string, revision: string | undefined, kind: ModelKind): Promise<Found> {
    const key = JSON.stringify([name, revision, kind])
    const found = known.get(key) ?? (await find(name, revision, kind, context))
    known.set(key, found)
    return found
  }
}

async function find(
  name: string,
  revision: string | undefined,
  kind: ModelKind,
  context: SetupContext,
): Promise<Found> {
  const source = sourceOf(name)
  if (source.kind === 'embedded') return { at: 'embedded', name, files: EMBEDDED_FILES }
  if (source.kind === 'hub') return findOnHub({ repo: name, revision, kind }, context)
  const files = await readModelFolder(source.path, kind)
  if (typeof files !== 'string') return { at: 'folder', name: source.name, path: source.path, files }
  throw new SeerError('model-incomplete', {
    message: `The model in ${source.path} is not whole: ${files}.`,
    hint: 'A folder must hold what save_pretrained writes: config, weights, and for a whole model its tokenizer.',
  })
}

async function findOnHub(wanted: HubWanted, context: SetupContext): Promise<Found> {
  const step = startStep(context, wanted.repo)
  const snapshot = await findSnapshot(hubCache(context.env), wanted)
  const here = snapshot && (await completeness(snapshot, wanted))
  const missing = here?.state === 'incomplete' ? { missing: here.missing } : {}
  if (snapshot && here?.state === 'complete') return { at: 'cache', name: wanted.repo, ...snapshot, files: here.files }
  try {
    const python = await findPythonRemembered(cacheRoot(context.env), context)
    const listed = await lookUp(python.executable, { ...wanted, ...missing }, context, step)
    step.done(`${gigabytes(storedBytes(listed.files))}, commit ${listed.commit.slice(0, 12)}`)
    return { at: 'hub', name: wanted.repo, wanted, listed, files: listed.files }
  } catch (error) {
    if (!(error instanceof SeerError) || error.code !== 'model-hub-unreachable') throw error
    if (snapshot && here?.state === 'unknown') return unasked(wanted, { ...snapshot, files: here.files }, step)
    throw error
  }
}

/** Its own tokenizer, if it has one that is not here, is known to the hub only; that is said, and no reason to stop. */
function unasked(wanted: HubWanted, found: { path: string; commit: string; files: ModelFiles }, step: Step): Found {
  step.update('in the cache; the hub cannot be asked whether it has a tokenizer of its own')
  step.done('taken from the cache without asking the hub whether it has a tokenizer of its own')
  return { at: 'cache', name: wanted.repo, ...found }
}

function loadOf({ config, own, base, dtype }: FoundModel): Load {
  const whole = (base ?? own).files
  const bytes = loadedBytes(whole, dtype) + (base ? storedBytes(own.files) : 0)
  return { name: config.name, bytes, dtype, parameters: parametersOf(whole), device: config.device }
}

async function checkDisk(models: readonly FoundModel[], { env }: SetupContext): Promise<void> {
  const all = new Set(models.flatMap(({ own, base }) => (base ? [own, base] : [own])))
  const toFetch = [...all].filter((found) => found.at === 'hub')
  if (toFetch.length === 0) return
  const cache = hubCache(env)
  // An error of these is told by the download, in its words.
  await mkdir(cache, { recursive: true }).catch(() => undefined)
  const disk = await statfs(cache).catch(() => undefined)
  const needed = toFetch.flatMap(({ listed }) => listed.needed).reduce((sum, { size }) => sum + size, 0)
  if (!disk || needed <= disk.bavail * disk.bsize) return
  throw new SeerError('model-disk-full', {
    message: `${toFetch.map(({ name }) => name).join(' and ')} needs ${gigabytes(needed)} of disk, and where the hub's cache is (${cache}) only ${gigabytes(disk.bavail * disk.bsize)} are free.`,
    hint: 'Free some space, or set HF_HOME to a folder on a larger disk.',
  })
}
