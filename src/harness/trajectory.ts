/**
 * A recording: what an agent once said and called, for which experiment, and what the cells then printed.
 *
 * A file of its own format, and not a run's log: it is checked in beside an experiment, read by people, and compared.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { sha256Schema } from '../notebook/nbformat.ts'
import { answeredBySchema, computeSchema } from '../run/events.ts'

export const TRAJECTORY_FORMAT = 1

/** All that the words were written for. When any of it differs, the recording answers another question. */
const madeForSchema = z.strictObject({
  params: z.record(z.string(), z.json()),
  promptSha256: sha256Schema,
  /** In full, so that a difference can be shown. */
  prompt: z.string(),
  userMessage: z.string(),
  libraries: z.array(z.strictObject({ name: z.string(), sha256: sha256Schema })),
  /** Absent where there were none. */
  skills: z.array(z.strictObject({ name: z.string(), sha256: sha256Schema })).optional(),
  models: z.array(z.strictObject({ name: z.string(), weightsSha256: z.string() })),
  toolsVersion: z.string(),
})
export type MadeFor = z.infer<typeof madeForSchema>

const turnSchema = z.strictObject({
  text: z.string(),
  calls: z.array(z.strictObject({ id: z.string(), name: z.string(), input: z.json() })),
  results: z.array(z.strictObject({ call: z.string(), isError: z.boolean(), structured: z.json() })),
})
export type RecordedTurn = z.infer<typeof turnSchema>

const cellSchema = z.strictObject({
  code: z.string(),
  hidden: z.boolean(),
  status: z.string(),
  /** See cell-text.ts. */
  text: z.string(),
})
export type RecordedCell = z.infer<typeof cellSchema>

export const trajectorySchema = z.strictObject({
  format: z.literal(TRAJECTORY_FORMAT),
  experiment: z.string(),
  profile: z.string().nullable(),
  madeFor: madeForSchema,
  answeredBy: z.strictObject(answeredBySchema.shape),
  compute: z.strictObject(computeSchema.shape),
  turns: z.array(turnSchema).min(1),
  cells: z.record(z.string(), cellSchema),
  end: z.strictObject({ reason: z.enum(['finished', 'limit', 'interrupted']), detail: z.string().optional() }),
})
export type Trajectory = z.infer<typeof trajectorySchema>

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** `source` names the file in the error. */
export function parseTrajectory(json: string, source: string): Trajectory {
  const unreadable = (why: string, cause?: unknown) =>
    new SeerError('recording-unreadable', {
      message: `The recording ${source} cannot be read: ${why}`,
      hint: 'Record anew with --provider claude --record, or run live with --provider claude.',
      cause,
    })
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw unreadable('it is not JSON', error)
  }
  const format = (value as { format?: unknown } | null)?.format
  if (format !== TRAJECTORY_FORMAT)
    throw unreadable(`its format is ${JSON.stringify(format)}, and this Seer reads ${TRAJECTORY_FORMAT}`)
  const parsed = trajectorySchema.safeParse(value)
  if (!parsed.success) throw unreadable(z.prettifyError(parsed.error))
  const { prompt, promptSha256 } = parsed.data.madeFor
  if (sha256Of(prompt) !== promptSha256) throw unreadable('its prompt does not have the hash that stands beside it')
  return parsed.data
}
