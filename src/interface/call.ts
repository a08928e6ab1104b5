/** A call of a function, and what came of it. Bodies are JSON text and data the bytes of arrays, both as they travel. */
import { z } from 'zod'

export interface Call {
  readonly function: string
  /** A JSON object: arguments by name. */
  readonly body: Uint8Array
  /** The lengths of the arrays in `data`. */
  readonly buffers: readonly number[]
  readonly data: Uint8Array
}

export const callErrorSchema = z.object({
  kind: z.string().max(64),
  message: z.string(),
  /** The interface's own frames, with no path of a machine. */
  traceback: z.string().optional(),
})
export type CallError = z.infer<typeof callErrorSchema>

export type Answer =
  | { readonly ok: true; readonly body: Uint8Array; readonly buffers: readonly number[]; readonly data: Uint8Array }
  | { readonly ok: false; readonly error: CallError }

export function failed(kind: string, message: string): Answer {
  return { ok: false, error: { kind, message } }
}
