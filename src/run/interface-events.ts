/** The events of functions that are served to an agent, by type: a part of `events.ts`. */
import { z } from 'zod'
import { sha256Schema } from '../notebook/nbformat.ts'
import { loadedModelsSchema } from './subject.ts'

/** Arguments or a result of a call, as JSON text: every number as it was written. */
const calledWithSchema = z.object({
  /** Whole up to a few kB; of a longer one its beginning, and all of it in artifacts/ by its hash. */
  text: z.string(),
  bytes: z.int().nonnegative(),
  sha256: sha256Schema.optional(),
  /** Arrays that it names by their place: their bytes are not kept, so that a thousand calls do not fill a disk. */
  buffers: z.array(z.object({ bytes: z.int().nonnegative(), sha256: sha256Schema })).optional(),
})
export type CalledWith = z.infer<typeof calledWithSchema>

export const interfacePayloads = {
  /** Functions of a researcher's file can be called from now on, and these alone. Its sandbox is the scoped one. */
  'interface-start': z.object({
    interface: z.string(),
    file: z.string(),
    /** Of the file and the modules beside it. */
    sha256: sha256Schema,
    /** As Python writes them: `get_embedding(text: str) -> dict`. */
    functions: z.array(z.string()),
    models: loadedModelsSchema,
  }),
  /** What its file printed. */
  'interface-output': z.object({ interface: z.string(), stream: z.enum(['stdout', 'stderr']), text: z.string() }),
  'interface-end': z.object({ interface: z.string(), reason: z.string() }),
  /** Somebody called a function. `session` and `cell` say from where, as Seer knows it: nothing that the caller says of itself counts. */
  'call-start': z.object({
    call: z.string(),
    interface: z.string(),
    function: z.string(),
    from: z.enum(['library', 'tool', 'researcher']),
    args: calledWithSchema,
  }),
  'call-end': z.object({
    call: z.string(),
    interface: z.string(),
    function: z.string(),
    status: z.enum(['ok', 'error', 'timeout', 'cancelled']),
    durationMs: z.number().nonnegative(),
    result: calledWithSchema.optional(),
    error: z.object({ kind: z.string(), message: z.string(), traceback: z.string().optional() }).optional(),
  }),
} as const satisfies Record<string, z.ZodObject>
