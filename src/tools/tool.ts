/**
 * A tool: a name, a zod input, an `execute` that returns content blocks. `runTool` is the only way in, whoever asks (the
 * built-in loop, a played recording, an MCP client), so that the same call always leaves the same events.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { didYouMean } from '../did-you-mean.ts'
import { describeError, isAbort, SeerError } from '../errors.ts'
import type { By, Emit } from '../run/events.ts'

export type ContentBlock = { type: 'text'; text: string } | { type: 'image'; mediaType: string; data: Uint8Array }

export interface ToolResult {
  readonly content: readonly ContentBlock[]
  /** The same facts for machines; must match the tool's `result` schema. */
  readonly structured: z.core.util.JSONType
  readonly isError?: boolean
}

export interface ToolContext {
  readonly emit: Emit
  readonly by: By
  readonly signal: AbortSignal
  /** Stores bytes beside the log and returns their sha256. */
  readonly storeArtifact: (bytes: Uint8Array) => string
}

export interface Tool {
  readonly name: string
  /** Written for a model: when to use it, what comes back. */
  readonly description: string
  readonly input: z.ZodObject
  readonly result: z.ZodType
  execute(input: never, context: ToolContext): Promise<ToolResult>
}

/** Keeps the input's type inside the tool, and hides it outside. */
export function defineTool<I extends z.ZodObject, R extends z.ZodType>(tool: {
  name: string
  description: string
  input: I
  result: R
  execute(input: z.output<I>, context: ToolContext): Promise<ToolResult & { structured: z.input<R> }>
}): Tool {
  return tool
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly input: unknown
}

/** Everything that may be wrong with a call and that the agent can mend becomes its result; only what ends the run is thrown. */
export async function runTool(tools: readonly Tool[], call: ToolCall, context: ToolContext): Promise<ToolResult> {
  const { emit, by } = context
  const startedAt = performance.now()
  emit({ type: 'tool-start', by, call: call.id, name: call.name, input: toJson(call.input) })
  const result = await execute(tools, call, context)
  const content = result.content.map((block) => {
    if (block.type === 'text') return block
    return { type: block.type, mediaType: block.mediaType, sha256: context.storeArtifact(block.data), bytes: block.data.byteLength }
  })
  emit({
    type: 'tool-end',
    by,
    call: call.id,
    name: call.name,
    isError: result.isError ?? false,
    durationMs: Math.round(performance.now() - startedAt),
    content,
    structured: result.structured,
  })
  return result
}

async function execute(tools: readonly Tool[], call: ToolCall, context: ToolContext): Promise<ToolResult> {
  const tool = tools.find(({ name }) => name === call.name)
  if (!tool) {
    const names = tools.map(({ name }) => name)
    return failure('unknown-tool', `There is no tool "${call.name}"${didYouMean(call.name, names)} The tools are: ${names.join(', ')}.`)
  }
  const input = strict(tool.input).safeParse(call.input)
  if (!input.success) return failure('invalid-input', `The input of ${tool.name} is not valid:\n${z.prettifyError(input.error)}`)
  try {
    context.signal.throwIfAborted()
    const result = await tool.execute(input.data as never, context)
    if (!result.isError) tool.result.parse(result.structured)
    return result
  } catch (error) {
    if (error instanceof SeerError && error.endsRun) throw error
    if (context.signal.aborted && isAbort(error)) return failure('interrupted', 'The call was interrupted before it ended.')
    return failure(error instanceof SeerError ? error.code : 'tool-failed', describeError(error))
  }
}

function failure(code: string, text: string): ToolResult {
  return { content: [{ type: 'text', text }], structured: { error: code }, isError: true }
}

/** An unknown key is an error, also where a tool was declared with a plain `z.object`. */
function strict(schema: z.ZodObject): z.ZodObject {
  return schema.strict()
}

/** What a model sent may be anything; the log holds JSON. */
function toJson(value: unknown): z.core.util.JSONType {
  return JSON.parse(JSON.stringify(value) ?? 'null') as z.core.util.JSONType
}

/**
 * A hash of names, arguments and result shapes, and not of their wording: two equal versions can play each other's recordings.
 */
export function toolsVersion(tools: readonly Tool[]): string {
  const shapes = tools
    .map(({ name, input, result }) => ({ name, input: shapeOf(input), result: shapeOf(result) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(shapes)).digest('hex').slice(0, 16)
}

function shapeOf(schema: z.ZodType): unknown {
  return withoutWording(z.toJSONSchema(schema, { io: 'input' }))
}

function withoutWording(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutWording)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, inner]) => !(key === 'description' && typeof inner === 'string') && key !== '$schema')
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, withoutWording(inner)]))
}
