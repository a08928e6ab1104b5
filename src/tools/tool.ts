/**
 * A tool: a name, a zod input, an `execute` that returns content blocks. `runTool` is the only way in, whoever asks (the
 * built-in loop, a played recording, an MCP client), so that the same call always leaves the same events.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { didYouMean } from '../did-you-mean.ts'
import { describeError, isAbort, SeerError } from '../errors.ts'
import type { By, Emit, EventOf } from '../run/events.ts'

type Json = z.core.util.JSONType
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

/** What clients of MCP may tell a person before a call is made, in MCP's words. Where it is not known, the worst is assumed. */
export interface ToolAnnotations {
  readonly title: string
  /** It changes nothing: neither the notebook, nor variables, nor files. */
  readonly readOnlyHint: boolean
  /** It may take something away: files, variables, work that goes on. */
  readonly destructiveHint: boolean
  /** Twice with the same input is as once. */
  readonly idempotentHint: boolean
  /** It may reach beyond the sandbox. */
  readonly openWorldHint: boolean
}

export interface Tool {
  readonly name: string
  /** Written for a model: when to use it, what comes back. */
  readonly description: string
  readonly input: z.ZodObject
  readonly result: z.ZodType
  /** Wording, so no part of {@link toolsVersion}. */
  readonly annotations?: ToolAnnotations
  execute(input: never, context: ToolContext): Promise<ToolResult>
}

/** Keeps the input's type inside the tool, and hides it outside. */
export function defineTool<I extends z.ZodObject, R extends z.ZodType>(tool: {
  name: string
  description: string
  input: I
  result: R
  annotations?: ToolAnnotations
  execute(input: z.output<I>, context: ToolContext): Promise<ToolResult & { structured: z.input<R> }>
}): Tool {
  return tool
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly input: unknown
}

/** More than any tool of ours returns: what a tool of the researcher's own may not exceed, in characters. */
export const MAX_RESULT_CHARS = 256 * 1024
const MAX_INPUT_CHARS = 1024 * 1024
const MAX_DEPTH = 100

/** Everything that may be wrong with a call and that the agent can mend becomes its result; only what ends the run is thrown. */
export async function runTool(tools: readonly Tool[], call: ToolCall, context: ToolContext): Promise<ToolResult> {
  const { emit, by } = context
  const startedAt = performance.now()
  const input = readInput(call.input)
  emit({ type: 'tool-start', by, call: call.id, name: call.name, input: input.json })
  const end = (result: ToolResult) => {
    const content = result.content.map((block) => {
      if (block.type === 'text') return block
      return {
        type: block.type,
        mediaType: block.mediaType,
        sha256: context.storeArtifact(block.data),
        bytes: block.data.byteLength,
      }
    })
    const isError = result.isError ?? false
    const durationMs = Math.round(performance.now() - startedAt)
    const logged = emit({
      type: 'tool-end',
      by,
      call: call.id,
      name: call.name,
      isError,
      durationMs,
      content,
      structured: result.structured,
    })
    return logged.type === 'tool-end' ? asLogged(result, logged) : result
  }
  try {
    return end(
      input.problem === undefined
        ? await execute(tools, { ...call, input: input.json }, context)
        : failure('invalid-input', input.problem),
    )
  } catch (error) {
    // The call has ended too, where the log can still say so.
    if (error instanceof SeerError && error.code !== 'log-write-failed') end(failure(error.code, describeError(error)))
    throw error
  }
}

/** Whoever called is told what the log has, in which secrets are hidden. */
function asLogged(result: ToolResult, { content, structured = null }: EventOf<'tool-end'>): ToolResult {
  const blocks = result.content.map((block, i) => {
    const logged = content[i]
    return logged?.type === 'text' ? logged : block
  })
  return { ...result, content: blocks, structured }
}

async function execute(tools: readonly Tool[], call: ToolCall, context: ToolContext): Promise<ToolResult> {
  const tool = tools.find(({ name }) => name === call.name)
  if (!tool) {
    const names = tools.map(({ name }) => name)
    return failure(
      'unknown-tool',
      `There is no tool "${call.name.slice(0, 100).toWellFormed()}"${didYouMean(call.name, names) || '.'} The tools are: ${names.join(', ')}.`,
    )
  }
  // An unknown key is an error, also where a tool was declared with a plain `z.object`.
  const input = tool.input.strict().safeParse(call.input)
  if (!input.success)
    return failure('invalid-input', `The input of ${tool.name} is not valid:\n${z.prettifyError(input.error)}`)
  try {
    context.signal.throwIfAborted()
    return checkedResult(tool, await tool.execute(input.data as never, context))
  } catch (error) {
    if (error instanceof SeerError && error.endsRun) throw error
    if (context.signal.aborted && (isAbort(error) || error === context.signal.reason)) {
      return failure('interrupted', 'The call was interrupted before it ended.')
    }
    return failure(error instanceof SeerError ? error.code : 'tool-failed', describeError(error))
  }
}

function failure(code: string, text: string): ToolResult {
  return { content: [{ type: 'text', text }], structured: { error: code }, isError: true }
}

/** A result that is what the tool declared, is JSON, and is not larger than a model or a line of the log can take. */
function checkedResult(tool: Tool, result: ToolResult): ToolResult {
  const parsed = result.isError ? undefined : tool.result.safeParse(result.structured)
  const { json, problem } = readJson(result.structured, MAX_RESULT_CHARS)
  const why = parsed && !parsed.success ? z.prettifyError(parsed.error) : problem
  if (why !== undefined)
    return failure('tool-result-invalid', `${tool.name} returned a result that is not valid: ${why}`)
  return { ...result, structured: json, content: shortened(result.content) }
}

/** All text blocks together within the limit; every cut is marked. */
function shortened(content: readonly ContentBlock[]): ContentBlock[] {
  let room = MAX_RESULT_CHARS
  return content.map((block) => {
    if (block.type !== 'text') return block
    const text = block.text.length <= room ? block.text : cut(block.text, room)
    room = Math.max(0, room - block.text.length)
    return { type: 'text', text }
  })
}

function cut(text: string, room: number): string {
  const head = Math.floor(room * 0.6)
  const tail = text.length - Math.floor(room * 0.4)
  const mark = `\n[… ${tail - head} characters left out: the result was too long …]\n`
  return `${text.slice(0, head)}${mark}${text.slice(tail)}`.toWellFormed()
}

/** What a model or a client sent may be anything; the log holds JSON, and the tool is given what the log holds. */
function readInput(input: unknown): { json: Json; problem?: string } {
  const { json, problem } = readJson(input, MAX_INPUT_CHARS)
  return problem === undefined
    ? { json }
    : { json: `[${problem}]`, problem: `The input of the call is not valid: ${problem}.` }
}

function readJson(value: unknown, maxChars: number): { json: Json; problem?: string } {
  try {
    const text = JSON.stringify(value) ?? 'null'
    if (text.length > maxChars)
      return { json: null, problem: `${text.length} characters of JSON; at most ${maxChars} are taken` }
    const json = JSON.parse(text) as Json
    return depthOf(json) > MAX_DEPTH ? { json: null, problem: `nested more than ${MAX_DEPTH} deep` } : { json }
  } catch (error) {
    if (error instanceof RangeError) return { json: null, problem: 'nested too deeply' }
    return { json: null, problem: `not JSON (${describeError(error).split('\n', 1)[0]})` }
  }
}

function depthOf(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Object.values(value).reduce<number>((deepest, inner) => Math.max(deepest, depthOf(inner)), 0)
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

const WORDING = new Set(['description', 'title', '$schema'])

function shapeOf(schema: z.ZodType): unknown {
  return withoutWording(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
}

function withoutWording(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutWording)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, inner]) => !(WORDING.has(key) && typeof inner === 'string'))
  return Object.fromEntries(
    entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      // The order of properties, and so of the names of those that are required, means nothing.
      .map(([key, inner]) => [
        key,
        key === 'required' && Array.isArray(inner)
          ? (inner as string[]).toSorted((a, b) => (a < b ? -1 : 1))
          : withoutWording(inner),
      ]),
  )
}
