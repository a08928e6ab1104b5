/**
 * The protocol between Seer and the host process on a sandbox's machine: JSON-RPC 2.0, `Content-Length` frames, over any stream.
 *
 * Every method, with its schemas, whether it may be repeated after a lost connection, and its deadline. The Python side is
 * `python/seer_host/`. Three rules hold for all of it:
 *
 * - Output is read, not pushed: `journal/read` is the one way to get it. One outstanding read is the back-pressure.
 * - No message is over {@link MAX_MESSAGE_BYTES}. Larger values are blobs by sha256, read in chunks by `blob/read`.
 * - What arrives is checked here: the kernel's part of a record is a claim of the code that runs in the sandbox.
 */
import { z } from 'zod'
import { empty, id, MAX_CHUNK_BYTES, MAX_MESSAGE_BYTES } from './protocol-parts.ts'
import { streamMethods } from './stream-methods.ts'
import { outputSchema, sha256Schema, widgetIdSchema, widgetSchema } from '../notebook/nbformat.ts'

export const PROTOCOL_VERSION = 4
const MAX_ARGUMENT_CHARS = 128 * 1024
export const MAX_PEEK_CHARS = 16 * 1024
export const MAX_PEEK_SECONDS = 20

const generation = z.int().positive()
const cell = id

/** A kernel that runs, whoever its parent is. Restarting makes a new generation; variables belong to a generation. */
export const kernelHandleSchema = z.object({
  session: id,
  generation,
  pid: z.int().positive(),
  connectionFile: z.string(),
  /** The kernel it was forked from; absent for one that was spawned. */
  parentId: z.string().optional(),
  workdir: z.string(),
})
export type KernelHandle = z.infer<typeof kernelHandleSchema>

/** What a kernel knows from its start. */
export const kernelConfigSchema = z.strictObject({
  /** The experiment's parameters, found as `PARAMS`. */
  params: z.record(z.string(), z.json()),
  /** Seeds random, numpy and torch at each start. */
  seed: z.int().nonnegative(),
  /** Models that the set-up cell loads, by folder on the sandbox's machine. */
  models: z.array(
    z.strictObject({
      name: z.string(),
      varName: z.string().regex(/^[A-Za-z_]\w*$/),
      path: z.string(),
      /** `auto` leaves quantised weights as they are. */
      dtype: z.string(),
      /** `auto`, `cpu`, `cuda`, `cuda:0`. */
      device: z.string(),
      /** Of an adapter: the model below it. */
      baseName: z.string().optional(),
      basePath: z.string().optional(),
      /** A plain model is wrapped for PEFT with an adapter that does nothing. */
      loadAsPeft: z.boolean(),
    }),
  ),
})
export type KernelConfig = z.infer<typeof kernelConfigSchema>

const stamp = { seq: z.int().positive(), at: z.number(), session: id, generation }

/** One numbered entry of the sandbox's journal. `seq` counts up by one over all sessions, and is never reused. */
export const journalRecordSchema = z.discriminatedUnion('kind', [
  z.object({ ...stamp, kind: z.literal('kernel-ready'), pid: z.int() }),
  z.object({
    ...stamp,
    kind: z.literal('kernel-dead'),
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    /** 'asked' when Seer ended it (restart, shutdown); 'died' when it ended by itself. */
    reason: z.enum(['asked', 'died']),
    /** What the host knows of it: the sandbox was over a limit. */
    because: z.string().max(300).optional(),
  }),
  z.object({ ...stamp, kind: z.literal('cell-begin'), cell, executionCount: z.int().nullable() }),
  /** `into`: the Output widget that has captured it. */
  z.object({ ...stamp, kind: z.literal('output'), cell, output: outputSchema, into: widgetIdSchema.optional() }),
  /** A widget has changed: all of what it is now. Of many changes in a row only the last one is told. */
  z.object({ ...stamp, kind: z.literal('widget'), cell, model: widgetIdSchema, widget: widgetSchema }),
  z.object({
    ...stamp,
    kind: z.literal('cell-end'),
    cell,
    /**
     * 'died': the kernel ended by itself in mid-cell. 'stopped': Seer ended the kernel in mid-cell (restart, shutdown, recovery).
     * 'aborted': it was queued behind a failed or interrupted cell and never ran.
     */
    status: z.enum(['ok', 'error', 'aborted', 'died', 'stopped']),
    executionCount: z.int().nullable(),
    durationMs: z.number().nonnegative(),
  }),
  z.object({
    ...stamp,
    kind: z.literal('output-lost'),
    cell: cell.nullable(),
    /** Messages or bytes known to be missing: 'gap' in the kernel's numbering, 'cap' of disk per cell, 'invalid' message. */
    reason: z.enum(['gap', 'cap', 'invalid']),
    messages: z.int().nonnegative(),
    bytes: z.int().nonnegative(),
  }),
  /** Code behind the wall asked the proxy for a way out. Of the sandbox as a whole: `session` is always `network`. */
  z.object({
    ...stamp,
    kind: z.literal('network-connect'),
    host: z.string().max(300),
    port: z.int().min(0).max(65535),
    allowed: z.boolean(),
    /** Why not, or that more of the same are not told. */
    because: z.string().max(300).optional(),
  }),
])
export type JournalRecord = z.infer<typeof journalRecordSchema>

/** Where code behind the wall may connect to. */
export const networkSchema = z.strictObject({
  /** Every public address. */
  open: z.boolean(),
  hosts: z.array(
    z.strictObject({
      /** `api.example.org`, `*.example.org` (what is below it), or an address. */
      name: z.string().max(253),
      /** Null: any. */
      port: z.int().min(1).max(65535).nullable(),
      /** It may lie in a private network; only ever for what the researcher's own machine is set up with. */
      private: z.boolean(),
    }),
  ),
})
export type NetworkRules = z.infer<typeof networkSchema>

/** A schema pair with what a caller must know to retry safely. */
interface Method {
  readonly params: z.ZodType
  readonly result: z.ZodType
  /** Safe to send again when the connection was lost before the answer came, and why. */
  readonly repeat: string
  readonly deadlineMs: number
}

export const methods = {
  'host/hello': {
    params: empty,
    result: z.object({
      protocol: z.int(),
      sandbox: id,
      pid: z.int().positive(),
      /** Boot-relative start time of the host process, so that a reused pid is not mistaken for it. */
      startTime: z.string(),
      leaseSeconds: z.number().positive(),
      lastSeq: z.int().nonnegative(),
      /** Until its deadline; null: it has none. */
      endsInSeconds: z.number().nonnegative().nullable(),
    }),
    repeat: 'reads only; attaching renews the lease',
    deadlineMs: 10_000,
  },
  'host/shutdown': {
    params: empty,
    result: empty,
    repeat: 'ending twice is ending once',
    deadlineMs: 15_000,
  },
  'kernel/start': {
    params: z.strictObject({
      session: id,
      /** 1 for the first; the current one plus 1 restarts: the old kernel is killed first. */
      generation,
      /** Read by our own code in the kernel before the first cell; no Python source is ever made from it. */
      config: kernelConfigSchema,
    }),
    result: kernelHandleSchema,
    repeat: 'by (session, generation): a kernel of that generation is returned, not started again',
    deadlineMs: 120_000,
  },
  'kernel/execute': {
    params: z.strictObject({ session: id, generation, cell, code: z.string().max(512 * 1024) }),
    /** `known`: this cell had been accepted before, so nothing was run again. */
    result: z.object({ known: z.boolean() }),
    repeat: 'by (session, cell): a cell id runs at most once, for ever',
    deadlineMs: 30_000,
  },
  'kernel/interrupt': {
    // 'message' asks the kernel on its control channel; 'signal' is SIGINT, sent by the spawner.
    // `cell`: the one that is meant. Where it has ended by the time that this arrives, nothing is interrupted.
    params: z.strictObject({ session: id, generation, cell, how: z.enum(['message', 'signal']) }),
    result: empty,
    repeat: 'by (session, cell): it interrupts that cell and no other, and twice is harmless',
    deadlineMs: 10_000,
  },
  'kernel/stop': {
    /** Ends it with all that it started; its session can start another. */
    params: z.strictObject({ session: id, generation }),
    result: empty,
    repeat: 'ending twice is ending once',
    deadlineMs: 30_000,
  },
  'kernel/peek': {
    // Beside the cell that runs, in a subshell of the kernel. No cell: the journal has nothing of it.
    params: z.strictObject({
      session: id,
      generation,
      peek: id,
      code: z.string().max(MAX_PEEK_CHARS),
      /** After these it is given up. A thread cannot be stopped: it may go on. */
      seconds: z.number().positive().max(MAX_PEEK_SECONDS),
    }),
    result: z.object({
      /** `refused`: too many of before go on. */
      status: z.enum(['ok', 'error', 'unfinished', 'refused']),
      /** What it printed, and its last value. */
      text: z.string().max(200_000),
      /** Characters that are not here. */
      omitted: z.int().nonnegative(),
      why: z.string().max(300).optional(),
    }),
    repeat: 'by peek: an id runs once, and answers the same again',
    deadlineMs: 60_000,
  },
  'journal/read': {
    params: z.strictObject({
      after: z.int().nonnegative(),
      maxBytes: z.int().positive().max(MAX_MESSAGE_BYTES),
      waitMs: z.int().nonnegative().max(60_000),
    }),
    result: z.object({ records: z.array(z.unknown()).max(100_000) }),
    repeat: 'reads only; the reader names what it has',
    deadlineMs: 90_000,
  },
  'blob/read': {
    params: z.strictObject({
      sha256: sha256Schema,
      offset: z.int().nonnegative(),
      length: z.int().positive().max(MAX_CHUNK_BYTES),
    }),
    result: z.object({ base64: z.base64(), size: z.int().nonnegative() }),
    repeat: 'reads only',
    deadlineMs: 30_000,
  },
  'process/start': {
    // Behind the wall, as the agent's code: the host builds no shell string and starts nothing outside.
    params: z.strictObject({
      process: id,
      argv: z.array(z.string().max(MAX_ARGUMENT_CHARS)).min(1).max(1000),
      /** As the code inside sees it; relative to the workspace. */
      cwd: z.string().max(4096),
      /** Beside what kernels have. */
      env: z.record(z.string(), z.string()),
      stdin: z.base64().max(700_000),
      /** After this many seconds it is ended. */
      seconds: z.number().positive().nullable(),
      /** Of each of stdout and stderr; what is more is counted, not kept. */
      maxBytes: z.int().positive(),
      /** Its stdin is a socket instead, to be read and written as the byte stream `p:<process>`; `stdin` is then empty. */
      stream: z.boolean(),
    }),
    /** `known`: a process of this id had been started before, so nothing was started again. */
    result: z.object({ known: z.boolean() }),
    repeat: 'by process: an id is started at most once, for ever',
    deadlineMs: 30_000,
  },
  'process/read': {
    params: z.strictObject({
      process: id,
      /** From these bytes on. */
      stdout: z.int().nonnegative(),
      stderr: z.int().nonnegative(),
      maxBytes: z.int().positive().max(MAX_CHUNK_BYTES),
      waitMs: z.int().nonnegative().max(60_000),
    }),
    result: z.object({
      /** UTF-8 text in which secrets are hidden; of both together at most `maxBytes`. */
      stdout: z.base64(),
      stderr: z.base64(),
      /** How it ended; null while it runs, and until all that it printed has been read. */
      ended: z
        .object({
          exitCode: z.int().nullable(),
          signal: z.string().nullable(),
          because: z.string().max(300).optional(),
          /** Bytes that were not kept. */
          lost: z.int().nonnegative(),
          durationMs: z.number().nonnegative(),
        })
        .nullable(),
    }),
    repeat: 'reads only; the reader names what it has',
    deadlineMs: 90_000,
  },
  'process/kill': {
    params: z.strictObject({ process: id }),
    result: empty,
    repeat: 'ending twice is ending once',
    deadlineMs: 15_000,
  },
  ...streamMethods,
  'network/rules': {
    params: networkSchema,
    result: empty,
    repeat: 'the whole of the rules; the last one holds',
    deadlineMs: 10_000,
  },
  'host/keep': {
    /**
     * Who uses the sandbox changes: all that runs in it ends but the kernels of these sessions, and files stay. The lease is how long
     * the host then goes on with nobody attached, never beyond its deadline.
     */
    params: z.strictObject({ leaseSeconds: z.number().positive(), sessions: z.array(id).max(1000) }),
    result: empty,
    repeat: 'the last one holds',
    deadlineMs: 30_000,
  },
} as const satisfies Record<string, Method>

export type MethodName = keyof typeof methods
export type Params<M extends MethodName> = z.input<(typeof methods)[M]['params']>
export type Result<M extends MethodName> = z.output<(typeof methods)[M]['result']>

/** Errors that the host answers with, as JSON-RPC codes. */
export const hostErrors = {
  'kernel-gone': -32001,
  'stale-generation': -32002,
  'unknown-blob': -32003,
  'kernel-start-failed': -32004,
  'host-disk-full': -32005,
  'shutting-down': -32006,
  'process-start-failed': -32007,
  'unknown-process': -32008,
  'unknown-stream': -32009,
} as const
export type HostErrorName = keyof typeof hostErrors
