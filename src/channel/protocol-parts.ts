/** What the methods of the protocol have in common. */
import { z } from 'zod'

export const MAX_MESSAGE_BYTES = 1024 * 1024
/** A blob/read chunk: base64 of this, with its envelope, stays under MAX_MESSAGE_BYTES. */
export const MAX_CHUNK_BYTES = 512 * 1024
/** Of one piece of a byte stream, on its way to Seer. */
export const MAX_PIECE_BYTES = 256 * 1024
/** A byte stream brings so much before its reader allows more. */
export const STREAM_WINDOW_BYTES = 512 * 1024

export const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
export const empty = z.strictObject({})
