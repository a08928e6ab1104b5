import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, type ToolResult } from '../tools/tool.ts'
import { assistantMessage, openingMessages, toolDefinition, toolMessages, withCacheBreakpoints } from './messages.ts'

const image = { type: 'image' as const, mediaType: 'image/png', data: Uint8Array.of(1, 2) }
const file = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: Uint8Array.of(1, 2) } }
const answered = (result: Partial<ToolResult>) =>
  toolMessages([{ id: 'toolu_1', name: 'plot', result: { content: [], structured: {}, ...result } }])

describe('tool results', () => {
  it.each<[string, Partial<ToolResult>, unknown]>([
    ['text', { content: [{ type: 'text', text: '3' }] }, { type: 'content', value: [{ type: 'text', text: '3' }] }],
    ['a picture, in the form that is sent', { content: [image] }, { type: 'content', value: [file] }],
    ['blank text is left out', { content: [{ type: 'text', text: ' \n' }, image] }, { type: 'content', value: [file] }],
    ['nothing', {}, { type: 'content', value: [] }],
    ['an error', { isError: true, content: [{ type: 'text', text: 'no' }] }, { type: 'error-text', value: 'no' }],
    ['an error that says nothing', { isError: true }, { type: 'error-text', value: 'The call failed.' }],
  ])('%s', (_, result, output) => {
    expect(answered(result)).toEqual([
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'toolu_1', toolName: 'plot', output }] },
    ])
  })

  it('puts the pictures of an error behind it', () => {
    const [tool, behind] = answered({ isError: true, content: [{ type: 'text', text: 'no' }, image] })
    expect(tool).toMatchObject({ content: [{ output: { type: 'error-text', value: 'no' } }] })
    expect(behind).toEqual({ role: 'user', content: [file] })
  })
})

describe('history', () => {
  it('keeps signed reasoning and calls, and leaves out what the API refuses', () => {
    const signed = { type: 'reasoning' as const, text: '', providerOptions: { anthropic: { signature: 's' } } }
    const call = { type: 'tool-call' as const, toolCallId: 'c', toolName: 'plot', input: {} }
    const parts = [
      signed,
      { type: 'reasoning' as const, text: 'unsigned' },
      { type: 'text' as const, text: '\n' },
      call,
    ]
    expect(assistantMessage(parts).content).toEqual([signed, call])
  })

  it('has cache breakpoints behind the system prompt and the last message, and nowhere else', () => {
    const messages = [...openingMessages({ prompt: 'p', userMessage: 'u' }), assistantMessage([]), ...answered({})]
    const marked = withCacheBreakpoints(messages).map(({ providerOptions }) => providerOptions !== undefined)
    expect(marked).toEqual([true, false, false, true])
    expect(messages.every(({ providerOptions }) => providerOptions === undefined)).toBe(true)
  })

  it('has no system message where there is no prompt', () => {
    expect(openingMessages({ prompt: '', userMessage: 'u' })).toHaveLength(1)
  })
})

it('shows a tool’s input as a schema that refuses unknown keys', () => {
  const input = z.object({ code: z.string().describe('Python') })
  const execute = () => Promise.resolve({ content: [], structured: {} })
  expect(
    toolDefinition(defineTool({ name: 'run', description: 'Runs.', input, result: z.object({}), execute })),
  ).toEqual({
    type: 'function',
    name: 'run',
    description: 'Runs.',
    inputSchema: {
      type: 'object',
      properties: { code: { type: 'string', description: 'Python' } },
      required: ['code'],
      additionalProperties: false,
    },
  })
})
