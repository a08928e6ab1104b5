/** A snapshot: the files of a sandbox at some moment, and what else is needed to begin there again. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { bySchema } from '../../run/events.ts'

export const SNAPSHOT_FILE = 'snapshot.json'
export const BLOBS_FOLDER = 'blobs'

export const idSchema = z.string().regex(/^sn-[0-9a-f]{10}$/)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const bytes = z.int().nonnegative()
const path = z.string().refine(isTreePath, 'is no path inside a workspace')

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('folder'), path }),
  z.object({ kind: z.literal('link'), path, target: z.string().min(1).max(4096) }),
  z.object({
    kind: z.literal('file'),
    path,
    bytes,
    sha256,
    isExecutable: z.boolean(),
    /** What is not as it was in the sandbox. */
    note: z.enum(['changed while it was read', 'secrets are hidden in it']).optional(),
  }),
])
export type SnapshotEntry = z.infer<typeof entrySchema>

const cellSchema = z.object({
  session: z.string(),
  cell: z.string(),
  code: z.string(),
  by: bySchema,
  status: z.string(),
  generation: z.int().positive().nullable(),
})
export type SnapshotCell = z.infer<typeof cellSchema>

const weights = z.object({
  name: z.string(),
  weightsSha256: z.string(),
  weightsHashFrom: z.enum(['read', 'hub', 'sampled']),
  revision: z.string().optional(),
})

export const recordSchema = z.object({
  format: z.literal(1),
  id: idSchema,
  name: z.string(),
  createdAt: z.iso.datetime(),
  seer: z.string(),
  run: z.string(),
  sandbox: z.string(),
  experiment: z.string(),
  /** What the draws of its kernels started from. */
  seed: z.int(),
  environment: z.object({ id: z.string(), lockSha256: sha256, lock: z.string() }),
  models: z.array(weights.extend({ varName: z.string(), base: weights.optional() })),
  /** Names of the secrets that the sandbox had. */
  secrets: z.array(z.string()),
  files: z.array(entrySchema).superRefine(checkTree),
  skipped: z.array(z.object({ path: z.string(), why: z.string() })),
  /** All that was run in it, in order. */
  cells: z.array(cellSchema),
})
export type SnapshotRecord = z.infer<typeof recordSchema>

/** As scripts see it. */
export interface Snapshot {
  readonly id: string
  readonly name: string
  /** Its folder on this machine. */
  readonly path: string
  readonly createdAt: string
  readonly run: string
  readonly sandbox: string
  readonly files: number
  readonly bytes: number
  /** What was in the workspace and is not in the snapshot. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[]
  /** What a session has to run for its variables to come back. */
  readonly replay: readonly { readonly session: string; readonly code: string }[]
}

/** Of the record as it is written, so that a change of a letter in a cell is noticed, too. */
export function digestOf(record: unknown): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex')
}

function isTreePath(given: string): boolean {
  return (
    Buffer.byteLength(given) <= 4096 &&
    given.isWellFormed() &&
    !given.includes('\0') &&
    given.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  )
}

/** Each path once, and nothing below what is not a folder: a link there could lead anywhere. */
function checkTree(entries: readonly { kind: string; path: string }[], context: z.RefinementCtx): void {
  const kinds = new Map<string, string>()
  for (const [i, entry] of entries.entries()) {
    if (kinds.has(entry.path))
      context.addIssue({ code: 'custom', path: [i], message: `${JSON.stringify(entry.path)} comes twice` })
    kinds.set(entry.path, entry.kind)
  }
  for (const [i, entry] of entries.entries()) {
    const parts = entry.path.split('/')
    const above = parts.slice(1).map((_, n) => parts.slice(0, n + 1).join('/'))
    if (above.some((folder) => kinds.has(folder) && kinds.get(folder) !== 'folder'))
      context.addIssue({
        code: 'custom',
        path: [i],
        message: `${JSON.stringify(entry.path)} lies in what is no folder`,
      })
  }
}
