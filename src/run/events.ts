/**
 * The events of a run: what stands in `events.jsonl`, one JSON object a line. Everything else (notebook, summary, live page,
 * report) is a fold of these.
 *
 * The envelope is stamped by the one writer (`log-writer.ts`): whatever comes from a sandbox is a claim inside an event, and
 * can never be an event of its own making. Readers are tolerant: an event whose type they do not know is kept and passed on.
 */
import { z } from 'zod'
import { outputSchema, sha256Schema, widgetIdSchema, widgetSchema } from '../notebook/nbformat.ts'
import { interfacePayloads } from './interface-events.ts'
import { loadedModelsSchema } from './subject.ts'

/** Raised when an old reader would misread a new log. New event types and new optional fields do not raise it. */
export const LOG_VERSION = 1

const json = z.json()
const jsonObject = z.record(z.string(), z.json())

/** Who did it. `system` is Seer itself; `setup` is the cells that it runs before the agent; the rest are people and agents. */
export const bySchema = z.union([
  z.enum(['system', 'setup', 'researcher']),
  z.templateLiteral(['agent:', z.string().regex(/^[a-z0-9][a-z0-9-]*$/)]),
])
export type By = z.infer<typeof bySchema>

export const envelopeSchema = z.object({
  /** Counts up by one from 1: a gap means a damaged log. */
  seq: z.int().positive(),
  /** ISO 8601, UTC, milliseconds; the writer's clock. */
  at: z.iso.datetime({ precision: 3 }),
  type: z.string(),
  run: z.string(),
  by: bySchema,
  agent: z.string().optional(),
  session: z.string().optional(),
  sandbox: z.string().optional(),
  cell: z.string().optional(),
  /** Where it stands in the sandbox's journal. Appending is idempotent by (sandbox, seq): that makes resuming exact. */
  kernel: z.object({ generation: z.int().positive(), seq: z.int().positive() }).optional(),
})

/** Who answered for an agent, so that a played recording can never pass for a live run. */
export const answeredBySchema = z.object({
  provider: z.string(),
  model: z.string(),
  /** When the words were written; for a live run, the time of the run. */
  at: z.string(),
  /** Whether the answerer had seen the repository, the expected answer or the truth. */
  knewTruth: z.boolean().nullable(),
  note: z.string().optional(),
})
export type AnsweredBy = z.infer<typeof answeredBySchema>

/** Per cell of a played recording: does the fresh output agree with the recorded one? */
export const driftSchema = z.object({
  cell: z.string(),
  verdict: z.enum(['exact', 'within-tolerance', 'differs', 'missing']),
  /** The largest relative difference of a pair of numbers, where the text around them agrees. */
  largestRelative: z.number().nullable(),
  detail: z.string().optional(),
})
export type Drift = z.infer<typeof driftSchema>

/** The machine facts on which numbers may depend. */
export const computeSchema = z.object({
  python: z.string(),
  torch: z.string().nullable(),
  isa: z.string(),
  threads: z.int().nullable(),
  device: z.string(),
})
export type Compute = z.infer<typeof computeSchema>

export const findingSchema = z.object({
  claim: z.string(),
  confidence: z.number().min(0).max(1),
  /** The experiment's own fields, checked against its schema. */
  answer: jsonObject.optional(),
  effect: z
    .object({
      value: z.number(),
      n: z.int().positive(),
      interval: z.tuple([z.number(), z.number()]).optional(),
      unit: z.string(),
    })
    .optional(),
  control: z.string().optional(),
  cells: z.array(z.string()),
  /** Calls of served functions, where an agent has no notebook. */
  calls: z.array(z.string()).optional(),
})
export type Finding = z.infer<typeof findingSchema>

/** 'died': its kernel ended by itself. 'stopped': Seer ended the kernel while it ran (restart, shutdown, recovery). */
const cellEndSchema = z.enum(['ok', 'error', 'aborted', 'died', 'stopped', 'unknown'])

/** Payloads by type. The names are `<noun>-<verb>`. */
export const eventPayloads = {
  'run-start': z.object({
    logVersion: z.int(),
    seer: z.string(),
    experiment: z.string(),
    profile: z.string().nullable(),
    params: jsonObject,
    backend: z.string(),
    /** 'none': the agent's code runs with the rights of the user. */
    confinement: z.string(),
    provider: z.string(),
    seed: z.int(),
    /** For all agents together; null: none was set. */
    budgetUsd: z.number().positive().nullable().optional(),
    /** The run whose cells this one runs again. */
    replayOf: z.string().optional(),
  }),
  'run-end': z.object({
    status: z.enum(['completed', 'failed', 'interrupted', 'crashed']),
    durationMs: z.number().nonnegative(),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
  }),
  /**
   * Somebody took part from outside: at the terminal of the run, on its page, at another command. A message has the agent to
   * which it was sent; its text is the `agent-message` with which that agent is told.
   */
  'run-steer': z.object({
    action: z.enum(['interrupt', 'message', 'stop']),
    from: z.enum(['page', 'command', 'terminal']),
  }),
  'sandbox-start': z.object({
    backend: z.string(),
    confinement: z.string(),
    environment: z.string(),
    workspacePath: z.string(),
    /** Of a confined sandbox: memory, processes and disk, and who holds it to them. */
    limits: z
      .record(z.string(), z.object({ how: z.enum(['enforced', 'watched', 'none']), by: z.string(), limit: z.number() }))
      .optional(),
    /** Names of the secrets that it was given. */
    secrets: z.array(z.string()).optional(),
    /** Where its code may connect to: `none`, `open`, or the hosts. Absent without a wall: nothing keeps it from anywhere. */
    network: z.union([z.enum(['none', 'open']), z.array(z.string())]).optional(),
    /** Repositories in it, at the commit that was taken. */
    repos: z.array(z.object({ url: z.string(), commit: z.string(), path: z.string() })).optional(),
    /** The snapshot whose files it began with. */
    snapshot: z.string().optional(),
    /** Another process had started it: this run took part later. */
    attached: z.boolean().optional(),
    gpu: z.array(z.string()).optional(),
    /** What it was asked to be (`config-record.ts`). */
    config: jsonObject.optional(),
    /** What a later process needs to find the host of this run again. */
    attach: jsonObject,
  }),
  'sandbox-end': z.object({ reason: z.string() }),
  /** Code behind the wall asked for a way out of it. */
  'network-connect': z.object({
    host: z.string(),
    port: z.int().nonnegative(),
    allowed: z.boolean(),
    /** Why not, or that more of the same are not told. */
    because: z.string().optional(),
  }),
  /** A process behind the wall beside the kernels: `exec`, the install of a repository. */
  'process-start': z.object({
    process: z.string(),
    argv: z.array(z.string()),
    cwd: z.string(),
    purpose: z.string(),
    /** What it was given on its stdin, where that is text: `execPython` gives its code so. */
    input: z.string().optional(),
  }),
  'process-end': z.object({
    process: z.string(),
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    because: z.string().optional(),
    durationMs: z.number().nonnegative(),
    /** The ends of what it printed. */
    stdout: z.string(),
    stderr: z.string(),
    /** Bytes of both that are not here. */
    omittedBytes: z.int().nonnegative(),
  }),
  'snapshot-save': z.object({
    snapshot: z.string(),
    name: z.string(),
    files: z.int().nonnegative(),
    bytes: z.int().nonnegative(),
  }),
  'session-start': z.object({
    kind: z.string(),
    toolsVersion: z.string(),
    libraries: z.array(z.object({ name: z.string(), sha256: sha256Schema })),
    /** Absent where the agent was given none. */
    skills: z.array(z.object({ name: z.string(), sha256: sha256Schema })).optional(),
    models: loadedModelsSchema,
    /** False where the kernel was not to load them. */
    preloadModels: z.boolean().optional(),
    /** It was begun before: its kernel is that of the run named, with its variables, and numbers of cells go on. */
    attached: z.object({ run: z.string() }).optional(),
  }),
  /** Its sandbox was let go, and it lives on with its kernel. `cells`: those that were still running, and go on. */
  'session-detach': z.object({ cells: z.array(z.string()) }),
  'session-end': z.object({ reason: z.string() }),
  ...interfacePayloads,
  'kernel-start': z.object({ pid: z.int() }),
  'kernel-dead': z.object({
    reason: z.enum(['asked', 'died']),
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    /** Where Seer knows: the sandbox was over one of its limits. */
    because: z.string().optional(),
    /** Always true: a kernel's variables live and die with it. Said so that nobody has to infer it. */
    variablesLost: z.literal(true),
  }),
  'compute-report': computeSchema,
  'agent-start': z.object({
    role: z.string(),
    provider: z.string(),
    model: z.string(),
    prompt: z.string(),
    tools: z.array(z.string()),
    recorded: answeredBySchema.optional(),
    /** The date of the price list by which its costs are counted. */
    pricesOf: z.iso.date().optional(),
  }),
  'agent-message': z.object({
    role: z.enum(['assistant', 'user']),
    text: z.string(),
    /** The model's reasoning, where the provider shows it. */
    thinking: z.string().optional(),
  }),
  'agent-usage': z.object({
    model: z.string(),
    inputTokens: z.int().nonnegative(),
    outputTokens: z.int().nonnegative(),
    cacheReadTokens: z.int().nonnegative(),
    cacheWriteTokens: z.int().nonnegative(),
    /** By the list price of the model that was asked for. Absent where that is not known. */
    costUsd: z.number().nonnegative().optional(),
  }),
  'agent-retry': z.object({ reason: z.string(), delayMs: z.number(), attempt: z.int() }),
  'agent-end': z.object({
    reason: z.enum(['finished', 'limit', 'interrupted', 'failed']),
    detail: z.string().optional(),
  }),
  'tool-start': z.object({ call: z.string(), name: z.string(), input: json }),
  'tool-end': z.object({
    call: z.string(),
    name: z.string(),
    isError: z.boolean(),
    durationMs: z.number().nonnegative(),
    /** As sent to the agent; images by their hash in artifacts/. */
    content: z.array(
      z.union([
        z.object({ type: z.literal('text'), text: z.string() }),
        z.object({ type: z.literal('image'), mediaType: z.string(), sha256: sha256Schema, bytes: z.int() }),
      ]),
    ),
    structured: json.optional(),
  }),
  'cell-start': z.object({
    code: z.string(),
    /** The cell whose place it takes in the notebook; the old one stays in the log. */
    supersedes: z.string().optional(),
    /** The cell whose code is run again, since its variables were lost with their kernel. Both stand in the notebook. */
    replays: z.string().optional(),
    /** The cell behind which it was put; null: before all others. Absent: at the end, or in the place of the one that it replaces. */
    after: z.string().nullable().optional(),
    /** Seer's own set-up: shown in the notebook as such, not told to the agent. */
    hidden: z.boolean(),
    /** It began in the run named, and is told again here: it goes on, or a thread of it still prints. */
    begun: z
      .object({
        run: z.string(),
        /** How it ended in that run; absent: it was still running. */
        status: cellEndSchema.optional(),
      })
      .optional(),
  }),
  'cell-output': z.object({
    output: outputSchema,
    /** The Output widget (ipywidgets) that has captured it. It stands in its cell all the same. */
    into: widgetIdSchema.optional(),
  }),
  /** A widget (ipywidgets, tqdm.notebook) has changed: all of what it is now. The cell is the one that changed it last. */
  'widget-update': z.object({ model: widgetIdSchema, widget: widgetSchema }),
  'cell-end': z.object({
    status: cellEndSchema,
    executionCount: z.int().nullable(),
    durationMs: z.number().nonnegative(),
  }),
  'cell-interrupt': z.object({ how: z.enum(['message', 'signal']) }),
  'output-lost': z.object({
    reason: z.enum(['gap', 'cap', 'invalid']),
    messages: z.int().nonnegative(),
    bytes: z.int().nonnegative(),
  }),
  'markdown-add': z.object({
    text: z.string(),
    supersedes: z.string().optional(),
    after: z.string().nullable().optional(),
  }),
  /** A cell was taken out of the notebook. It stands there all the same, closed and named as such. */
  'cell-remove': z.object({ from: z.literal('notebook') }),
  /** With all that it has replaced, behind another one; null: before all others. */
  'cell-move': z.object({ after: z.string().nullable() }),
  /** A row that the agent's code recorded by `seer.record`. Its values are the agent's claim. */
  'result-record': z.object({ table: z.string(), row: jsonObject }),
  /** A value saved by `seer.save`; the file is copied to `results/` and its hash is of that copy. */
  'result-save': z.object({
    name: z.string(),
    file: z.string(),
    kind: z.string(),
    sha256: sha256Schema,
    bytes: z.int().nonnegative(),
  }),
  'artifact-save': z.object({
    name: z.string(),
    sha256: sha256Schema,
    bytes: z.int().nonnegative(),
    mediaType: z.string(),
  }),
  'finding-submit': z.object({ finding: findingSchema }),
  'drift-report': z.object({
    recorded: computeSchema,
    fresh: computeSchema,
    rtol: z.number(),
    cells: z.array(driftSchema),
  }),
  /** Something a person should know: an unconfined sandbox, a played recording, a lost connection. */
  'notice-add': z.object({ level: z.enum(['info', 'warning']), code: z.string(), text: z.string() }),
} as const satisfies Record<string, z.ZodObject>

export type EventType = keyof typeof eventPayloads
type Envelope = z.infer<typeof envelopeSchema>
type Payloads = { [T in EventType]: z.infer<(typeof eventPayloads)[T]> }

/** An event as it stands in the log. */
export type RunEvent = { [T in EventType]: Envelope & { type: T } & Payloads[T] }[EventType]
export type EventOf<T extends EventType> = Extract<RunEvent, { type: T }>
/** What an old reader meets in a newer log. */
export type UnknownEvent = Envelope & { type: string; [key: string]: unknown }

/** Without the events of a newer log that this reader does not know. */
export function knownEvents(events: readonly (RunEvent | UnknownEvent)[]): RunEvent[] {
  return events.filter((event): event is RunEvent => Object.hasOwn(eventPayloads, event.type))
}

/** An event before the writer has stamped it. */
export type EventInput = {
  [T in EventType]: Omit<Envelope, 'seq' | 'at' | 'run'> & { type: T } & Payloads[T]
}[EventType]

/** Appends an event and returns it stamped. Throws a run-ending SeerError when the log cannot be written. */
export type Emit = (event: EventInput) => RunEvent

const schemas = new Map(
  Object.entries(eventPayloads).map(([type, payload]) => [
    type,
    z.object({ ...envelopeSchema.shape, ...payload.shape, type: z.literal(type) }),
  ]),
)

// Made once: making a schema costs more than using it.
const looseEnvelopeSchema = envelopeSchema.loose()

export type ParsedEvent =
  { kind: 'event'; event: RunEvent } | { kind: 'unknown'; event: UnknownEvent } | { kind: 'invalid'; why: string }

/** Reads one line's value. A known type with a wrong payload is invalid; an unknown type with an envelope is kept. */
export function parseEvent(value: unknown): ParsedEvent {
  try {
    return checkEvent(value)
  } catch (error) {
    // JSON that is nested a few thousand deep is more than the checker's stack.
    if (error instanceof RangeError) return { kind: 'invalid', why: 'nested too deeply' }
    throw error
  }
}

function checkEvent(value: unknown): ParsedEvent {
  const envelope = looseEnvelopeSchema.safeParse(value)
  if (!envelope.success) return { kind: 'invalid', why: z.prettifyError(envelope.error) }
  const schema = schemas.get(envelope.data.type)
  if (!schema) return { kind: 'unknown', event: envelope.data }
  const event = schema.safeParse(value)
  if (!event.success) return { kind: 'invalid', why: `${envelope.data.type}: ${z.prettifyError(event.error)}` }
  return { kind: 'event', event: event.data as RunEvent }
}
