import { z } from 'zod'

/** Where the record of the weights' hash comes from. */
export type HashSource =
  /** Every byte of the weights was read. */
  | 'read'
  /** The names that the hub's cache has for the files, which are their hashes. */
  | 'hub'
  /** Too large to be read at a start: names, sizes, headers and evenly spaced pieces. */
  | 'sampled'

export interface WeightFacts {
  /** As the experiment names it; of a folder its last part. */
  readonly name: string
  /** Its folder, as the sandbox's code sees it. */
  readonly path: string
  /** The commit on the hub. Absent for the embedded model and for folders. */
  readonly revision?: string
  /** One file: its sha256. Several: the sha256 of the lines `<sha256>  <name>`, sorted by name. */
  readonly weightsSha256: string
  readonly weightsHashFrom: HashSource
  /** How the stored weights are quantised, or `not quantised`. */
  readonly quantisation: string
  /** Number of stored weights; 0 where the files do not tell without being loaded. */
  readonly parameters: number
}

/** A model on the sandbox's machine. Of an adapter, the facts are the adapter's own, and `base` has those of the model below. */
export interface ModelHandle extends WeightFacts {
  /** The Python variable that holds it once it is loaded. */
  readonly varName: string
  /** What the weights are loaded as: `float32`, `bfloat16`, `float16`; `auto` for quantised ones. */
  readonly dtype: string
  /** As asked for: `auto`, `cpu`, `cuda`, `cuda:0`. */
  readonly device: string
  readonly isPeft: boolean
  /** The name of the model below an adapter. */
  readonly baseModel?: string
  readonly base?: WeightFacts
  readonly loadAsPeft: boolean
}

const weightFacts = {
  name: z.string(),
  path: z.string(),
  revision: z.string().exactOptional(),
  weightsSha256: z.string(),
  weightsHashFrom: z.enum(['read', 'hub', 'sampled']),
  quantisation: z.string(),
  parameters: z.number(),
}

/** For handles that were written down. */
export const modelHandleSchema: z.ZodType<ModelHandle> = z.object({
  ...weightFacts,
  varName: z.string(),
  dtype: z.string(),
  device: z.string(),
  isPeft: z.boolean(),
  baseModel: z.string().exactOptional(),
  base: z.object(weightFacts).exactOptional(),
  loadAsPeft: z.boolean(),
})

/** The folders of all models, each once. */
export function modelFolders(handles: readonly ModelHandle[]): string[] {
  return [...new Set(handles.flatMap(({ path, base }) => (base ? [path, base.path] : [path])))]
}

/** The same handles with each folder where the sandbox's code sees it. */
export function movedTo(handles: readonly ModelHandle[], place: (index: number) => string): ModelHandle[] {
  const folders = modelFolders(handles)
  const moved = (path: string) => place(folders.indexOf(path))
  return handles.map(({ base, ...handle }) => ({
    ...handle,
    path: moved(handle.path),
    ...(base ? { base: { ...base, path: moved(base.path) } } : {}),
  }))
}
