/** A tool as MCP tells of it, and what it gave. */
import type { CallToolResult, Tool as Definition } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { ContentBlock, Tool, ToolResult } from '../tools/tool.ts'

type Schema = Record<string, unknown>

/**
 * Beside the tool's own fields: the text. Some clients tell their model the structured result and not the text (Claude Code does),
 * and a cell's output is in the text alone.
 */
const TEXT = 'text'
const TEXT_SCHEMA = { type: 'string', description: 'The text of the result, as in its content' }

const known = new WeakMap<Tool, Definition>()

export function definitionOf(tool: Tool): Definition {
  const before = known.get(tool)
  if (before) return before
  const { name, description, annotations } = tool
  const output = outputSchemaOf(tool)
  const definition: Definition = {
    name,
    description,
    inputSchema: jsonSchema(tool.input.strict(), 'input') as Definition['inputSchema'],
    ...(annotations ? { title: annotations.title, annotations } : {}),
    ...(output ? { outputSchema: output } : {}),
  }
  known.set(tool, definition)
  return definition
}

/** The structured form of an error is not what the tool has declared, so it stays in the log. */
export function callResult(
  { content, structured, isError = false }: ToolResult,
  outputSchema: Definition['outputSchema'],
): CallToolResult {
  const blocks = content.map(blockOf)
  if (isError) return { content: blocks, isError }
  return outputSchema === undefined
    ? { content: blocks }
    : { content: blocks, structuredContent: { ...(structured as object), [TEXT]: textOf(content) } }
}

function blockOf(block: ContentBlock): CallToolResult['content'][number] {
  if (block.type === 'text') return block
  return { type: 'image', mimeType: block.mediaType, data: Buffer.from(block.data).toString('base64') }
}

function textOf(content: readonly ContentBlock[]): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
}

/** Undefined where the result is not always an object, as the protocol of 2025 wants it, or has a text of its own. */
function outputSchemaOf(tool: Tool): Schema | undefined {
  const schema = jsonSchema(tool.result, 'output')
  if (schema['type'] === 'object') return withText(schema)
  const choices = schema['anyOf']
  if (!Array.isArray(choices)) return undefined
  const textual = choices.map((choice: Schema) => (choice['type'] === 'object' ? withText(choice) : undefined))
  return textual.includes(undefined) ? undefined : { ...schema, type: 'object', anyOf: textual }
}

function withText(schema: Schema): Schema | undefined {
  const { properties = {}, required = [] } = schema as { properties?: Schema; required?: string[] }
  if (TEXT in properties) return undefined
  return { ...schema, properties: { ...properties, [TEXT]: TEXT_SCHEMA }, required: [...required, TEXT] }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return portable(rest) as Schema
}

/** Not every client knows `false` as a schema: `items` of a list that has none after its first. */
function portable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(portable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'items' && inner === false ? { not: {} } : portable(inner),
    ]),
  )
}
