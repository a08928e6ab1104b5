/**
 * The words of nbformat 4.5 that Seer uses, as zod schemas: outputs and cells.
 *
 * One thing is added: a value that is too large to stand inline is a {@link BlobRef}. Whoever writes a real notebook puts the
 * bytes back, or says how many were left out.
 */
import { z } from 'zod'

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/)

/** A value kept outside the log, by the hash of its bytes. Text keeps its first and last characters beside it. */
export const blobRefSchema = z.strictObject({
  blob: sha256Schema,
  bytes: z.int().nonnegative(),
  /** What the bytes are: utf-8 text, base64-decoded binary, or the UTF-8 text of a JSON value. */
  encoding: z.enum(['text', 'base64', 'json']),
  head: z.string().max(4096).optional(),
  tail: z.string().max(4096).optional(),
})
export type BlobRef = z.infer<typeof blobRefSchema>

/** Mime type → its value. Values are strings (text, or base64 for binary types), JSON for `+json` types, or a blob. */
export const mimeBundleSchema = z.record(z.string().max(256), z.union([blobRefSchema, z.json()]))
export type MimeBundle = z.infer<typeof mimeBundleSchema>

const metadataSchema = z.record(z.string(), z.json())
const displayIdSchema = z.string().max(256).optional()

export const outputSchema = z.discriminatedUnion('output_type', [
  z.strictObject({
    output_type: z.literal('stream'),
    name: z.enum(['stdout', 'stderr']),
    text: z.union([z.string(), blobRefSchema]),
  }),
  z.strictObject({
    output_type: z.literal('display_data'),
    data: mimeBundleSchema,
    metadata: metadataSchema,
    display_id: displayIdSchema,
  }),
  z.strictObject({
    output_type: z.literal('execute_result'),
    data: mimeBundleSchema,
    metadata: metadataSchema,
    execution_count: z.int().nullable(),
    display_id: displayIdSchema,
  }),
  z.strictObject({
    output_type: z.literal('error'),
    ename: z.string(),
    evalue: z.union([z.string(), blobRefSchema]),
    traceback: z.union([z.array(z.string()), blobRefSchema]),
  }),
  // Not outputs of a notebook but instructions that change earlier ones, as they arrive on iopub.
  z.strictObject({
    output_type: z.literal('update_display_data'),
    data: mimeBundleSchema,
    metadata: metadataSchema,
    display_id: z.string().max(256),
  }),
  z.strictObject({ output_type: z.literal('clear_output'), wait: z.boolean() }),
])
export type Output = z.infer<typeof outputSchema>

/**
 * A widget as it is now: the fields of its state, and its bytes by where in the state they belong. A field that holds bytes and
 * nothing else is not among the fields.
 */
export const widgetSchema = z.strictObject({
  state: z.record(z.string().max(256), z.union([blobRefSchema, z.json()])),
  buffers: z
    .array(
      z.strictObject({
        path: z
          .array(z.union([z.string().max(256), z.int().nonnegative()]))
          .min(1)
          .max(32),
        data: blobRefSchema,
      }),
    )
    .max(1000),
})
export type Widget = z.infer<typeof widgetSchema>
export const widgetIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/)

/** Strict: JSON of the agent's that merely looks like one is JSON. */
export function isBlobRef(value: unknown): value is BlobRef {
  return typeof value === 'object' && value !== null && 'blob' in value && blobRefSchema.safeParse(value).success
}

/** Every blob that a widget refers to. */
export function blobsOfWidget({ state, buffers }: Widget): BlobRef[] {
  return [...Object.values(state).filter(isBlobRef), ...buffers.map(({ data }) => data)]
}

/** Every blob that an output refers to. */
export function blobsOf(output: Output): BlobRef[] {
  switch (output.output_type) {
    case 'stream':
      return isBlobRef(output.text) ? [output.text] : []
    case 'error':
      return [output.evalue, output.traceback].filter(isBlobRef)
    case 'clear_output':
      return []
    default:
      return Object.values(output.data).filter(isBlobRef)
  }
}
