/** docs/wire.md lists all that is sent to the model's API. Real requests are compared with it, both ways. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { BROKEN_CALL, CUT_CALL } from '../src/harness/answer-call.ts'
import { claudeProvider } from '../src/harness/claude.ts'
import { repeatWarning } from '../src/harness/repeats.ts'
import type { RunEvent } from '../src/run/events.ts'
import { defineTool, type ContentBlock } from '../src/tools/tool.ts'
import { loopbackMessages } from './loopback-messages.ts'

const document = readFileSync(join(import.meta.dirname, '../docs/wire.md'), 'utf8')

/** The rows of the table under a heading: what stands between backticks in its first two columns. */
function rows(heading: string): Map<string, string> {
  const section = document.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const found = [...section.matchAll(/^\| `([^`]+)` \| (?:`([^`]*)`)?/gm)]
  expect(found.length).toBeGreaterThan(2)
  return new Map(found.map(([, name, value]) => [name!, value ?? '']))
}

/** Those whose value is always the same. */
function fixed(listed: Map<string, string>): [string, string][] {
  return [...listed].filter(([, value]) => value !== '' && !value.includes('<'))
}

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ fail: z.boolean().optional().describe('whether to fail') }),
  result: z.object({}),
  execute: ({ fail = false }) => {
    const content: ContentBlock[] = [
      { type: 'text', text: 'a picture' },
      { type: 'image', mediaType: 'image/png', data: PNG },
    ]
    return Promise.resolve({ content, structured: {}, isError: fail })
  },
})

/** Requests with everything that can be in one: reasoning, pictures, a failed call, something that a researcher said. */
async function requests() {
  await using api = await loopbackMessages([
    {
      think: { text: 'Hm.', signature: 'sig' },
      redacted: 'secret thoughts',
      say: 'I look.',
      calls: [
        { id: 'toolu_1', name: 'look', input: {} },
        { id: 'toolu_2', name: 'look', input: { fail: true } },
      ],
    },
    { say: 'Done.' },
  ])
  const said = ['And be quick.', '']
  await claudeProvider({ apiKey: 'a-key-of-the-test', baseURL: api.url, env: {} }).run(
    { role: 'r', prompt: 'The task.', userMessage: 'Begin.', tools: [look], maxTurns: 5 },
    {
      emit: (event) => event as unknown as RunEvent,
      by: 'agent:r',
      signal: new AbortController().signal,
      storeArtifact: () => 'a'.repeat(64),
      settle: () => Promise.resolve(),
      inbox: { take: () => [said.shift() ?? ''].filter(Boolean), caughtUp: () => Promise.resolve() },
    },
  )
  expect(api.violations).toEqual([])
  return { headers: api.headers, bodies: api.requests }
}

/** `messages[user].content[tool_result].is_error`: fields by the kind of what they are in. Tools' own schemas and inputs are not ours. */
function paths(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => paths(item, `${at}[${kindOf(item)}]`))
  if (typeof value !== 'object' || value === null || /\.(input|input_schema)$/.test(at)) return [at]
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, at === '' ? key : `${at}.${key}`))
}

function kindOf(item: unknown): string {
  const { type, role } = item as { type?: string; role?: string }
  return type ?? role ?? ''
}

test('the headers', async () => {
  const { headers } = await requests()
  const listed = rows('Headers')
  for (const sent of headers) {
    expect(Object.keys(sent).toSorted()).toEqual([...listed.keys()].toSorted())
    for (const [name, value] of fixed(listed)) expect(`${name}: ${String(sent[name])}`).toBe(`${name}: ${value}`)
  }
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  expect(headers[0]!['user-agent']).toMatch(new RegExp(`^ai-sdk-anthropic/${dependencies['@ai-sdk/anthropic']} `))
})

test('without tools one header less', async () => {
  await using api = await loopbackMessages([{ say: 'Done.' }])
  const context = {
    emit: (event: unknown) => event as RunEvent,
    by: 'agent:r',
    signal: new AbortController().signal,
    storeArtifact: () => '',
    settle: () => Promise.resolve(),
  } as const
  const request = { role: 'r', prompt: 'P', userMessage: 'Begin.', tools: [], maxTurns: 1 }
  await claudeProvider({ apiKey: 'a-key-of-the-test', baseURL: api.url, env: {} }).run(request, context)
  expect(Object.keys(api.headers[0]!)).not.toContain('anthropic-beta')
  expect(Object.keys(api.requests[0]!)).not.toContain('tools')
})

test('the body', async () => {
  const { bodies } = await requests()
  const listed = rows('Body')
  expect([...new Set(bodies.flatMap((body) => paths(body)))].toSorted()).toEqual([...listed.keys()].toSorted())
  const values = new Map(bodies.flatMap((body) => leaves(body)))
  for (const [path, value] of fixed(listed))
    expect(`${path} = ${JSON.stringify(values.get(path))}`).toBe(`${path} = ${value}`)
})

function leaves(value: unknown, at = ''): [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => leaves(item, `${at}[${kindOf(item)}]`))
  if (typeof value !== 'object' || value === null) return [[at, value]]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, at === '' ? key : `${at}.${key}`))
}

test('the schema of a tool is the tool’s own, with unknown keys refused, and nothing added', async () => {
  const { bodies } = await requests()
  expect(bodies[0]!.tools).toEqual([
    {
      name: 'look',
      description: 'Looks.',
      input_schema: {
        type: 'object',
        properties: { fail: { type: 'boolean', description: 'whether to fail' } },
        additionalProperties: false,
      },
    },
  ])
})

test('the words of Seer’s own are listed', () => {
  const words = document.replaceAll(/\s+/g, ' ')
  for (const sentence of [BROKEN_CALL, CUT_CALL, repeatWarning('<tool>')]) expect(words).toContain(sentence)
})
