/** The Messages API's rules for a request, as far as an agent loop can break them. */
import type { IncomingHttpHeaders } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

const cacheControl = z.strictObject({ type: z.literal('ephemeral') })
const nonBlank = z.string().regex(/\S/)
const text = z.strictObject({ type: z.literal('text'), text: nonBlank, cache_control: cacheControl.exactOptional() })
const imageSource = z.strictObject({
  type: z.literal('base64'),
  media_type: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
  data: z.base64().min(1),
})
const image = z.strictObject({
  type: z.literal('image'),
  source: imageSource,
  cache_control: cacheControl.exactOptional(),
})
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([nonBlank, z.array(z.discriminatedUnion('type', [text, image]))]),
  is_error: z.boolean().exactOptional(),
  cache_control: cacheControl.exactOptional(),
})
const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().regex(/^[A-Za-z0-9_-]+$/),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  cache_control: cacheControl.exactOptional(),
})
const redactedThinking = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() })
const thinking = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() })
const userMessage = z.strictObject({
  role: z.literal('user'),
  content: z.array(z.discriminatedUnion('type', [text, image, toolResult])).min(1),
})
const assistantMessage = z.strictObject({
  role: z.literal('assistant'),
  content: z.array(z.discriminatedUnion('type', [text, thinking, redactedThinking, toolUse])).min(1),
})
const tool = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  description: z.string(),
  input_schema: z.looseObject({ type: z.literal('object'), $schema: z.never().exactOptional() }),
})
const requestSchema = z.strictObject({
  model: nonBlank,
  max_tokens: z.int().positive(),
  stream: z.literal(true),
  system: z.array(text).exactOptional(),
  messages: z.array(z.discriminatedUnion('role', [userMessage, assistantMessage])).min(1),
  tools: z.array(tool).exactOptional(),
})
export type MessagesRequest = z.infer<typeof requestSchema>
/** For the test that holds them against the vendor's types. */
export const schemas = {
  cacheControl,
  text,
  image,
  imageSource,
  toolResult,
  toolUse,
  thinking,
  redactedThinking,
  tool,
  userMessage,
  assistantMessage,
  request: requestSchema,
}

export function checkRequest(request: {
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** What the server sent before: the JSON of tool calls and the text of thinking, by id and by signature. */
  sent: ReadonlyMap<string, string>
}): string[] {
  const { path, headers, body, sent } = request
  const problems: string[] = []
  if (path !== '/v1/messages') problems.push(`path ${path}`)
  if (!headers['x-api-key']) problems.push('no x-api-key')
  if (headers['anthropic-version'] !== '2023-06-01') problems.push('no anthropic-version, or a wrong one')
  const parsed = requestSchema.safeParse(JSON.parse(body))
  if (!parsed.success) return [...problems, z.prettifyError(parsed.error)]
  const breakpoints = body.match(/"cache_control"/g)?.length ?? 0
  if (breakpoints > 4) problems.push(`${breakpoints} cache breakpoints; at most 4`)
  return [...problems, ...historyProblems(parsed.data.messages, sent)]
}

function historyProblems(messages: MessagesRequest['messages'], sent: ReadonlyMap<string, string>): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const [i, message] of messages.entries()) {
    const role = i % 2 === 0 ? 'user' : 'assistant'
    if (message.role !== role) problems.push(`messages.${i}: role ${message.role}, not ${role}`)
    const before = messages[i - 1]
    const asked =
      before?.role === 'assistant' ? before.content.flatMap((part) => (part.type === 'tool_use' ? [part.id] : [])) : []
    const parts: readonly { type: string }[] = message.content
    const results =
      message.role === 'user'
        ? message.content.flatMap((part) => (part.type === 'tool_result' ? [part.tool_use_id] : []))
        : []
    if (!isDeepStrictEqual(results.toSorted(), asked.toSorted()))
      problems.push(`messages.${i}: tool calls [${asked.join()}] answered by [${results.join()}]`)
    if (parts.slice(0, results.length).some(({ type }) => type !== 'tool_result'))
      problems.push(`messages.${i}: results do not come first`)
    if (message.role !== 'assistant') continue
    for (const part of message.content) {
      if (part.type === 'tool_use') {
        if (seen.has(part.id)) problems.push(`messages.${i}: id ${part.id} twice`)
        seen.add(part.id)
        problems.push(...changedCall(part, sent.get(`tool_use ${part.id}`)))
      }
      if (part.type === 'thinking' && sent.get(`thinking ${part.signature}`) !== part.thinking)
        problems.push(`messages.${i}: thinking was changed, or is not ours`)
      if (part.type === 'redacted_thinking' && !sent.has(`redacted_thinking ${part.data}`))
        problems.push(`messages.${i}: redacted thinking that is not ours`)
    }
  }
  if (messages.at(-1)?.role !== 'user') problems.push('the last message is not the user’s')
  return problems
}

function changedCall(part: { id: string; input: unknown }, sent: string | undefined): string[] {
  if (sent === undefined) return [`${part.id} is not a call of ours`]
  let input: unknown
  try {
    input = JSON.parse(sent || '{}')
  } catch {
    return []
  }
  return isDeepStrictEqual(input, part.input) ? [] : [`the input of ${part.id} was changed`]
}
