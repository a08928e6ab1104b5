/**
 * What a sandbox's state folder says of the sessions that live on in it while nobody has it: for whoever takes it up next. Closed to
 * other users. Code stands here as in the log, with its secrets hidden.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { id } from '../channel/protocol-parts.ts'
import { SeerError } from '../errors.ts'
import { bySchema, eventPayloads } from '../run/events.ts'
import { parseJson, writeOwnJsonNow } from './json-file.ts'

const FILE = 'sessions.json'

/** A cell of a kernel that lives on: it may still run, and its threads may print after its end. */
const earlierCellSchema = z.object({
  cell: id,
  by: bySchema,
  code: z.string(),
  hidden: z.boolean(),
  /** The run in which it began. */
  run: z.string(),
  status: z.enum(['running', ...eventPayloads['cell-end'].shape.status.options]),
})
export type EarlierCell = z.output<typeof earlierCellSchema>

const deathSchema = z.object({
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  because: z.string().optional(),
})
export type KernelDeath = z.output<typeof deathSchema>

const keptSessionSchema = z.object({
  session: id,
  /** The run that had it last. */
  run: z.string(),
  generation: z.int().positive(),
  /** Of its kernel, where that is dead. */
  death: deathSchema.nullable(),
  cells: z.array(earlierCellSchema),
  /** What the session itself needs to go on. */
  about: z.json(),
})
export type KeptSession = z.output<typeof keptSessionSchema>

const fileSchema = z.object({
  sessions: z.array(keptSessionSchema),
  /** Those that there were, and how they ended. */
  ended: z.array(z.object({ session: z.string(), why: z.string() })),
})
export type KeptSessions = z.output<typeof fileSchema>

export function readKeptSessions(stateDir: string): KeptSessions {
  const path = join(stateDir, FILE)
  const kept = existsSync(path) ? parseJson(readFileSync(path, 'utf8'), fileSchema) : undefined
  if (kept) return kept
  throw new SeerError('sessions-unreadable', {
    message: `What is written down of the sessions that live on in this sandbox cannot be read: ${path}.`,
    hint: '`seer sandboxes stop` ends the sandbox.',
  })
}

export function writeKeptSessions(stateDir: string, kept: KeptSessions): void {
  writeOwnJsonNow(join(stateDir, FILE), kept)
}
