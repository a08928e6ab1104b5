/**
 * Between Seer's words and the model's: tools, tool results and turns as provider messages. Pure, so that what is sent can be
 * read off a table.
 */
import type {
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import { z } from 'zod'
import type { ContentBlock, Tool, ToolResult } from '../tools/tool.ts'
import type { AgentRequest } from './agent.ts'

type AssistantContent = Extract<LanguageModelV4Message, { role: 'assistant' }>['content']
export type AssistantPart = Extract<AssistantContent[number], { type: 'text' | 'reasoning' | 'tool-call' }>
type ToolContentPart = Extract<LanguageModelV4ToolResultOutput, { type: 'content' }>['value'][number]
type ImageBlock = Extract<ContentBlock, { type: 'image' }>

export interface AnsweredCall {
  readonly id: string
  readonly name: string
  readonly result: ToolResult
}

export function openingMessages(request: Pick<AgentRequest, 'prompt' | 'userMessage'>): LanguageModelV4Message[] {
  const system: LanguageModelV4Message[] = request.prompt === '' ? [] : [{ role: 'system', content: request.prompt }]
  return [...system, userMessage(request.userMessage)]
}

export function userMessage(text: string): LanguageModelV4Message {
  return { role: 'user', content: [{ type: 'text', text }] }
}

/** What the model said, as history. Blank text is left out: the API refuses it. So is reasoning that carries no signature. */
export function assistantMessage(
  parts: readonly AssistantPart[],
): Extract<LanguageModelV4Message, { role: 'assistant' }> {
  const content = parts.filter((part) => {
    if (part.type === 'text') return part.text.trim() !== ''
    return part.type === 'tool-call' || part.providerOptions !== undefined
  })
  return { role: 'assistant', content }
}

/** Answers every call of a turn. Images of an *error* go behind it, since an error result can only hold text. */
export function toolMessages(answered: readonly AnsweredCall[]): LanguageModelV4Message[] {
  const content = answered.map(({ id, name, result }): LanguageModelV4ToolResultPart => ({
    type: 'tool-result',
    toolCallId: id,
    toolName: name,
    output: result.isError ? { type: 'error-text', value: errorText(result) } : contentOutput(result),
  }))
  const ofErrors = answered.flatMap(({ result }) => (result.isError ? result.content.filter(isImage) : []))
  const behind: LanguageModelV4Message[] =
    ofErrors.length === 0 ? [] : [{ role: 'user', content: ofErrors.map(filePart) }]
  return [{ role: 'tool', content }, ...behind]
}

function contentOutput(result: ToolResult): LanguageModelV4ToolResultOutput {
  const value = result.content.flatMap((block): ToolContentPart[] => {
    if (block.type === 'image') return [filePart(block)]
    return block.text.trim() === '' ? [] : [block]
  })
  return { type: 'content', value }
}

/** The one form of an image that reaches the wire; others are dropped there with no more than a warning. */
function filePart({ mediaType, data }: ImageBlock) {
  return { type: 'file' as const, mediaType, data: { type: 'data' as const, data } }
}

function errorText(result: ToolResult): string {
  const text = result.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
  return text.trim() === '' ? 'The call failed.' : text
}

function isImage(block: ContentBlock): block is ImageBlock {
  return block.type === 'image'
}

const BREAKPOINT = { anthropic: { cacheControl: { type: 'ephemeral' } } }

/** Prompt-cache breakpoints: behind the system prompt (and so the tools), and behind all that was said so far. */
export function withCacheBreakpoints(messages: readonly LanguageModelV4Message[]): LanguageModelV4Message[] {
  return messages.map((message, i) =>
    message.role === 'system' || i === messages.length - 1 ? { ...message, providerOptions: BREAKPOINT } : message,
  )
}

/** A tool as the model sees it. Its schema says that unknown keys are refused, as `runTool` does. */
export function toolDefinition(tool: Tool): LanguageModelV4FunctionTool {
  const { $schema: _, ...inputSchema } = z.toJSONSchema(tool.input.strict(), { io: 'input' })
  return {
    type: 'function',
    name: tool.name,
    description: tool.description,
    inputSchema,
  }
}
