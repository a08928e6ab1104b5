/**
 * What is said on a run's control socket: one JSON object a line, a request and its answer. The socket lies in a folder that is
 * closed to other users, so whoever can ask is this user.
 */
import { z } from 'zod'
import { SeerError } from '../errors.ts'

export const MAX_MESSAGE_BYTES = 64 * 1024
/** JSON writes a control character in six bytes: every message that is allowed fits into a line. */
export const MAX_LINE_BYTES = 6 * MAX_MESSAGE_BYTES + 4096

/** Where somebody is who does something to a run: on its page, at another command, at the terminal of the run itself. */
export type SteerFrom = 'page' | 'command' | 'terminal'

const envelope = { id: z.union([z.int(), z.string().max(100)]), from: z.enum(['page', 'command']) }

export const requestSchema = z.discriminatedUnion('do', [
  z.object({ ...envelope, do: z.literal('ping') }),
  z.object({ ...envelope, do: z.literal('interrupt') }),
  z.object({ ...envelope, do: z.literal('stop') }),
  z.object({
    ...envelope,
    do: z.literal('message'),
    text: z.string(),
    /** The role of the agent; without it, the one that works. */
    agent: z.string().max(200).optional(),
  }),
  z.object({
    ...envelope,
    do: z.literal('jupyter'),
    /** Without it, the newest. */
    session: z.string().max(200).optional(),
  }),
])
export type ControlRequest = z.infer<typeof requestSchema>

/** Both ends look: a text that is much too long is no line any more. */
export function checkMessage(text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_MESSAGE_BYTES) return
  throw new SeerError('invalid-options', {
    message: `A message has at most ${MAX_MESSAGE_BYTES / 1024} KiB; this one has ${Math.ceil(bytes / 1024)}.`,
    hint: 'Put it into a file that the agent can read, and say where.',
  })
}

const errorSchema = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() })

/** The id is null where the request's own could not be read. */
export const answerSchema = z.union([
  z.object({ id: envelope.id, ok: z.literal(true), url: z.string().optional() }),
  z.object({ id: envelope.id.nullable(), error: errorSchema }),
])
export type ControlAnswer = z.infer<typeof answerSchema>
