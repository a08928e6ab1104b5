/** What each record of a sandbox's journal means for the run's event log. */
import { z } from 'zod'
import type { JournalRecord } from './protocol.ts'
import { describeError, SeerError } from '../errors.ts'
import { isBlobRef, sha256Schema, type Output } from '../notebook/nbformat.ts'
import { computeSchema, type By, type EventInput } from '../run/events.ts'

/** Mime types by which code in a kernel speaks to Seer. What they carry is a claim of that code. */
export const RECORD_MIME = 'application/vnd.seer.record+json'
export const SAVE_MIME = 'application/vnd.seer.save+json'
export const COMPUTE_MIME = 'application/vnd.seer.compute+json'

const recordSchema = z.object({
  table: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
  row: z.record(z.string(), z.json()),
})
const saveSchema = z.object({
  name: z.string().max(200),
  file: z
    .string()
    .regex(
      /^[A-Za-z0-9_][A-Za-z0-9._ -]{0,199}$/,
      'is no name for a file here (one that holds a secret is hidden, so its file is not found)',
    )
    // The tables of seer.record, and files in the making.
    .regex(/(?<!\.jsonl|\.part)$/i, 'is a name that Seer uses'),
  kind: z.string().max(64),
  /** Of the file when it was saved. The log has the hash of our own copy; this one only tells whether it is of the same file. */
  sha256: sha256Schema.optional(),
})

export interface RecordContext {
  readonly sandbox: string
  /** Who started a cell. */
  readonly authorOf: (session: string, cell: string) => By
  readonly readArtifact: (sha256: string) => Uint8Array
  /**
   * Copies a file that `seer.save` left in the workspace to `results/`, and returns the hash of the copy. Throws when the file is
   * not the one that was saved: a later save under the same name may have taken its place.
   */
  readonly saveResult: (file: string, claimed?: string) => Promise<{ sha256: string; bytes: number }>
}

export async function eventsOfRecord(record: JournalRecord, context: RecordContext): Promise<EventInput[]> {
  const { session, generation, seq } = record
  const place = { session, sandbox: context.sandbox, kernel: { generation, seq } }
  const system = { ...place, by: 'system' as const }
  switch (record.kind) {
    case 'kernel-ready':
      return [{ type: 'kernel-start', ...system, pid: record.pid }]
    case 'kernel-dead': {
      const { reason, exitCode, signal, because } = record
      const why = because === undefined ? {} : { because }
      return [{ type: 'kernel-dead', ...system, reason, exitCode, signal, ...why, variablesLost: true }]
    }
    case 'cell-begin':
      return []
    case 'network-connect': {
      const { host, port, allowed, because } = record
      const about = { sandbox: context.sandbox, kernel: { generation, seq }, by: 'system' as const }
      return [{ type: 'network-connect', ...about, host, port, allowed, ...(because === undefined ? {} : { because }) }]
    }
    case 'cell-end': {
      const { cell, status, executionCount, durationMs } = record
      return [{ type: 'cell-end', ...system, cell, status, executionCount, durationMs }]
    }
    case 'widget': {
      const { cell, model, widget } = record
      const author = { ...place, cell, by: context.authorOf(session, cell) }
      return [{ type: 'widget-update', ...author, model, widget }]
    }
    case 'output-lost': {
      const { cell, reason, messages, bytes } = record
      return [{ type: 'output-lost', ...system, ...(cell === null ? {} : { cell }), reason, messages, bytes }]
    }
    case 'output': {
      const { cell, output, into } = record
      const by = context.authorOf(session, cell)
      const author = { ...place, cell, by }
      return [
        { type: 'cell-output', ...author, output, ...(into === undefined ? {} : { into }) },
        ...(await messagesOf(output, author, context)),
      ]
    }
  }
}

type Author = Pick<EventInput, 'session' | 'sandbox' | 'cell' | 'kernel' | 'by'>

/** A recorded row, a saved value or the set-up's report, if the output carries one. */
async function messagesOf(output: Output, author: Author, context: RecordContext): Promise<EventInput[]> {
  if (output.output_type !== 'display_data') return []
  const { data } = output
  const warn = (text: string): EventInput => ({
    ...author,
    type: 'notice-add',
    by: 'system',
    level: 'warning',
    code: 'result-refused',
    text,
  })
  if (data[RECORD_MIME] !== undefined) {
    const message = recordSchema.safeParse(valueOf(data[RECORD_MIME], context))
    if (!message.success) return [warn(`A recorded row was refused: ${z.prettifyError(message.error)}`)]
    return [{ ...author, type: 'result-record', ...message.data }]
  }
  if (data[SAVE_MIME] !== undefined) {
    const message = saveSchema.safeParse(valueOf(data[SAVE_MIME], context))
    if (!message.success) return [warn(`A saved value was refused: ${z.prettifyError(message.error)}`)]
    const { sha256: claimed, ...told } = message.data
    try {
      return [{ ...author, type: 'result-save', ...told, ...(await context.saveResult(told.file, claimed)) }]
    } catch (error) {
      if (error instanceof SeerError && error.endsRun) throw error
      return [warn(`"${told.name}" could not be copied to results/: ${describeError(error)}`)]
    }
  }
  // Only our own set-up may say on what the run computes.
  if (data[COMPUTE_MIME] !== undefined && author.by === 'setup') {
    const message = computeSchema.safeParse(valueOf(data[COMPUTE_MIME], context))
    if (message.success) return [{ ...author, type: 'compute-report', ...message.data }]
  }
  return []
}

function valueOf(value: unknown, context: RecordContext): unknown {
  if (!isBlobRef(value)) return value
  try {
    return JSON.parse(Buffer.from(context.readArtifact(value.blob)).toString('utf8'))
  } catch {
    return undefined
  }
}
