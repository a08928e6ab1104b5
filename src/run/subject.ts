/** Models in the log: by what makes each that model and no other. */
import { z } from 'zod'

const weightsSchema = z.object({
  name: z.string(),
  weightsSha256: z.string(),
  /** Whether all bytes were read for the hash; absent in logs from before it was told. */
  weightsHashFrom: z.enum(['read', 'hub', 'sampled']).optional(),
  quantisation: z.string(),
  /** The commit on the hub. */
  revision: z.string().optional(),
})

/** A model under study, by what makes it that model and no other. */
export const subjectSchema = weightsSchema.extend({
  /** Of an adapter: the model below it. */
  base: weightsSchema.optional(),
})
export type Subject = z.infer<typeof subjectSchema>

/** Models as they are loaded in a sandbox. */
export const loadedModelsSchema = z.array(
  z.object({
    ...subjectSchema.shape,
    varName: z.string(),
    dtype: z.string().optional(),
    device: z.string().optional(),
    loadAsPeft: z.boolean().optional(),
  }),
)
