import { expect, test } from 'vitest'
import { z } from 'zod'
import { reads } from '../tools/annotations.ts'
import { defineTool } from '../tools/tool.ts'
import { callResult, definitionOf } from './tool-definition.ts'

const TEXT = { type: 'string', description: expect.stringContaining('text') as string }
const tool = (result: z.ZodType, input: z.ZodObject = z.object({ n: z.int().default(3).describe('How many') })) =>
  defineTool({ name: 't', description: 'D.', input, result, execute: () => Promise.reject(new Error('not here')) })

test('what may be left out is no must, and what is too much is an error', () => {
  const definition = definitionOf({ ...tool(z.object({})), annotations: reads('Title') })
  expect(definition).toEqual({
    name: 't',
    description: 'D.',
    title: 'Title',
    annotations: reads('Title'),
    inputSchema: {
      type: 'object',
      properties: { n: expect.objectContaining({ type: 'integer', default: 3, description: 'How many' }) as unknown },
      additionalProperties: false,
    },
    outputSchema: { type: 'object', properties: { text: TEXT }, required: ['text'], additionalProperties: false },
  })
})

const a = z.strictObject({ a: z.string() })
const b = z.strictObject({ b: z.int() })
test.each<[string, z.ZodType, boolean]>([
  ['an object', a, true],
  ['one of several objects', z.union([a, b]), true],
  ['an object or nothing', z.union([a, z.null()]), false],
  ['an object with a text of its own', z.object({ text: z.string() }), false],
  ['a text', z.string(), false],
  ['anything', z.json(), false],
  ['a type that JSON Schema cannot say', z.date(), false],
])('%s as a result', (_, result, isStructured) => {
  expect(definitionOf(tool(result)).outputSchema?.['type']).toBe(isStructured ? 'object' : undefined)
})

test('a tool without annotations has none: clients then assume the worst', () => {
  expect(Object.keys(definitionOf(tool(a)))).toEqual(['name', 'description', 'inputSchema', 'outputSchema'])
})

test('a list of so many is said in words that every client knows', () => {
  const { inputSchema } = definitionOf(tool(a, z.object({ items: z.tuple([z.int(), z.int()]) })))
  expect(inputSchema.properties).toMatchObject({ items: { items: { not: {} } } })
})

test('the structured result has the text, since some clients tell their model nothing else', () => {
  const { outputSchema } = definitionOf(tool(a))
  const image = { type: 'image' as const, mediaType: 'image/png', data: Uint8Array.of(1, 2) }
  const result = { content: [{ type: 'text' as const, text: 'one' }, image, { type: 'text' as const, text: 'two' }] }
  expect(callResult({ ...result, structured: { a: 'x' } }, outputSchema)).toEqual({
    content: [
      { type: 'text', text: 'one' },
      { type: 'image', mimeType: 'image/png', data: 'AQI=' },
      { type: 'text', text: 'two' },
    ],
    structuredContent: { a: 'x', text: 'one\ntwo' },
  })
  expect(callResult({ ...result, structured: { error: 'e' }, isError: true }, outputSchema)).not.toHaveProperty(
    'structuredContent',
  )
  expect(callResult({ ...result, structured: 'x' }, undefined)).not.toHaveProperty('structuredContent')
})
