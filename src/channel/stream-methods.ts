/** The methods of the protocol for byte streams: a part of `protocol.ts`. */
import { z } from 'zod'
import { empty, id, MAX_CHUNK_BYTES, MAX_MESSAGE_BYTES, MAX_PIECE_BYTES } from './protocol-parts.ts'

/** A byte stream to something in the sandbox: a client that came in by a listener, or a process (`p:` and its id). */
const connection = z.string().regex(/^[a-z0-9][A-Za-z0-9._:-]{0,79}$/)

export const streamMethods = {
  'stream/listen': {
    // For whatever runs behind the wall: a socket in the folder that is shared with kernels. A session's has the session's id.
    params: z.strictObject({ listener: id }),
    /** As the code inside sees it. */
    result: z.object({ path: z.string() }),
    repeat: 'a listener that is there stays',
    deadlineMs: 10_000,
  },
  'stream/unlisten': {
    params: z.strictObject({ listener: id }),
    result: empty,
    repeat: 'closing twice is closing once',
    deadlineMs: 10_000,
  },
  'stream/read': {
    /** What all byte streams of the sandbox have brought, in one numbered list. What was read so far is forgotten by the host. */
    params: z.strictObject({
      after: z.int().nonnegative(),
      maxBytes: z.int().positive().max(MAX_MESSAGE_BYTES),
      waitMs: z.int().nonnegative().max(60_000),
    }),
    result: z.object({
      pieces: z
        .array(
          z.object({
            n: z.int().positive(),
            connection,
            /** `open`: somebody has connected. `end`: nothing more comes of it, and nothing more reaches it. */
            kind: z.enum(['open', 'data', 'end']),
            /** Of `open`: where. */
            listener: id.optional(),
            base64: z
              .base64()
              .max((MAX_PIECE_BYTES * 4) / 3 + 4)
              .optional(),
          }),
        )
        .max(10_000),
    }),
    repeat: 'the reader names what it has',
    deadlineMs: 90_000,
  },
  'stream/write': {
    params: z.strictObject({
      connection,
      /** How many bytes were written to it before. */
      offset: z.int().nonnegative(),
      base64: z.base64().max((MAX_CHUNK_BYTES * 4) / 3 + 4),
    }),
    /** How many bytes it has taken in all: fewer than were sent, where its reader is slow. */
    result: z.object({ accepted: z.int().nonnegative() }),
    repeat: 'by offset: bytes that it has are passed over',
    deadlineMs: 30_000,
  },
  'stream/allow': {
    // All streams come in one list, so none may fill it: what its reader has not allowed waits on the sandbox's machine.
    params: z.strictObject({
      connection,
      /** From its first on. */
      bytes: z.int().nonnegative(),
    }),
    result: empty,
    repeat: 'the most that was ever allowed holds',
    deadlineMs: 10_000,
  },
  'stream/close': {
    params: z.strictObject({ connection }),
    result: empty,
    repeat: 'closing twice is closing once',
    deadlineMs: 10_000,
  },
} as const
