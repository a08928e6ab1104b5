import { expect, test } from 'vitest'
import { z } from 'zod'
import { reads } from './annotations.ts'
import { defineTool, toolsVersion, type Tool } from './tool.ts'

function tool(change: Partial<Pick<Tool, 'name' | 'description' | 'input' | 'result' | 'annotations'>> = {}): Tool {
  return defineTool({
    name: 'wait_cell',
    description: 'Waits.',
    input: z.strictObject({ cell: z.string().describe('An id'), seconds: z.number().max(25).default(25) }),
    result: z.strictObject({ status: z.enum(['ok', 'running']), count: z.int().nullable() }),
    execute: () => Promise.reject(new Error('not here')),
    ...change,
  })
}
const base = toolsVersion([tool()])

test.each([
  ['its description', { description: 'Waits, and waits.' }],
  ['what clients are told that it does', { annotations: reads('Wait') }],
  [
    'an argument’s description',
    { input: z.strictObject({ cell: z.string().describe('Such as c3'), seconds: z.number().max(25).default(25) }) },
  ],
  [
    'an argument’s title',
    { input: z.strictObject({ cell: z.string().meta({ title: 'Cell' }), seconds: z.number().max(25).default(25) }) },
  ],
  [
    'the order of its arguments',
    { input: z.strictObject({ seconds: z.number().max(25).default(25), cell: z.string() }) },
  ],
  [
    'the order of the result’s fields',
    { result: z.strictObject({ count: z.int().nullable(), status: z.enum(['ok', 'running']) }) },
  ],
])('%s may change: a recording still fits', (_, change) => {
  expect(toolsVersion([tool(change)])).toBe(base)
})

test.each([
  ['its name', { name: 'wait' }],
  [
    'a new argument',
    {
      input: z.strictObject({
        cell: z.string(),
        seconds: z.number().max(25).default(25),
        all: z.boolean().default(false),
      }),
    },
  ],
  ['an argument’s limit', { input: z.strictObject({ cell: z.string(), seconds: z.number().max(30).default(25) }) }],
  ['an argument’s default', { input: z.strictObject({ cell: z.string(), seconds: z.number().max(25).default(20) }) }],
  ['an argument that must be given now', { input: z.strictObject({ cell: z.string(), seconds: z.number().max(25) }) }],
  [
    'a status more',
    { result: z.strictObject({ status: z.enum(['ok', 'running', 'died']), count: z.int().nullable() }) },
  ],
  ['a result’s field', { result: z.strictObject({ status: z.enum(['ok', 'running']) }) }],
])('%s may not', (_, change) => {
  expect(toolsVersion([tool(change)])).not.toBe(base)
})

test('the order of the tools means nothing; one more or less does', () => {
  const other = tool({ name: 'interrupt' })
  expect(toolsVersion([other, tool()])).toBe(toolsVersion([tool(), other]))
  expect(toolsVersion([other, tool()])).not.toBe(base)
})

test('an argument that is called "description" counts', () => {
  const named = (type: z.ZodType) => toolsVersion([tool({ input: z.strictObject({ description: type }) })])
  expect(named(z.string())).not.toBe(named(z.number()))
})

test('a type that JSON Schema cannot say is no reason to fail', () => {
  expect(toolsVersion([tool({ input: z.strictObject({ when: z.date() }) })])).toMatch(/^[0-9a-f]{16}$/)
})
