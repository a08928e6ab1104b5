import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import { sha256Of } from '../../test/fixtures/memory-host.ts'
import { SeerError } from '../errors.ts'
import { defineTool, runTool, type Tool, type ToolResult } from './tool.ts'

const ok: ToolResult = { content: [{ type: 'text', text: 'done' }], structured: { sum: 3 } }

function adder(
  execute: (input: { a: number; b: number }, signal: AbortSignal) => Promise<ToolResult> = () => Promise.resolve(ok),
): Tool {
  return defineTool({
    name: 'add_numbers',
    description: 'Adds.',
    input: z.object({ a: z.number(), b: z.number().default(0) }),
    result: z.strictObject({ sum: z.number() }),
    execute: (input, context) =>
      execute(input, context.signal) as Promise<ToolResult & { structured: { sum: number } }>,
  })
}

async function call(tool: Tool, input: unknown, options: { name?: string; signal?: AbortSignal } = {}) {
  const log = keptEvents()
  const { name = 'add_numbers', signal = new AbortController().signal } = options
  const context = { emit: log.emit, by: 'agent:x' as const, signal, storeArtifact: sha256Of }
  const result = await runTool([tool], { id: 'call-1', name, input }, context).catch((error: unknown) => error)
  return { log, result: result as ToolResult, text: JSON.stringify((result as ToolResult).content ?? null) }
}

test('a call leaves its start with the input as it came, and its end with the result as it is told', async () => {
  const seen: unknown[] = []
  const { log, result } = await call(
    adder((input) => (seen.push(input), Promise.resolve(ok))),
    { a: 1 },
  )
  expect(result).toEqual(ok)
  expect(seen).toEqual([{ a: 1, b: 0 }])
  expect(log.events).toMatchObject([
    { type: 'tool-start', by: 'agent:x', call: 'call-1', name: 'add_numbers', input: { a: 1 } },
    {
      type: 'tool-end',
      by: 'agent:x',
      call: 'call-1',
      name: 'add_numbers',
      isError: false,
      content: ok.content,
      structured: { sum: 3 },
    },
  ])
})

test('an image is stored, and stands in the log by its hash', async () => {
  const data = Buffer.from('png')
  const { log, result } = await call(
    adder(() => Promise.resolve({ ...ok, content: [{ type: 'image', mediaType: 'image/png', data }] })),
    { a: 1 },
  )
  expect(result.content).toEqual([{ type: 'image', mediaType: 'image/png', data }])
  expect(log.of('tool-end')[0]?.content).toEqual([
    { type: 'image', mediaType: 'image/png', sha256: sha256Of(data), bytes: 3 },
  ])
})

test.each([
  [
    'an unknown tool, with the nearest name',
    { a: 1 },
    'unknown-tool',
    /add_numbrs.*did you mean \\"add_numbers\\"/,
    'add_numbrs',
  ],
  [
    'a tool that is like none',
    { a: 1 },
    'unknown-tool',
    /no tool \\"launch\\"\. The tools are: add_numbers\./,
    'launch',
  ],
  ['an unknown key', { a: 1, c: 2 }, 'invalid-input', /Unrecognized key: \\"c\\"/],
  ['a wrong type', { a: 'one' }, 'invalid-input', /expected number.*at a/],
  ['no input', undefined, 'invalid-input', /expected object/],
  ['a list', [1], 'invalid-input', /expected object/],
  ['a number that is no JSON', { a: 1n }, 'invalid-input', /not JSON/],
  ['a cycle', cycle(), 'invalid-input', /not JSON/],
  ['a text of megabytes', { a: 'x'.repeat(2_000_000) }, 'invalid-input', /2000008 characters/],
  ['nesting of 300', JSON.parse('['.repeat(300) + ']'.repeat(300)), 'invalid-input', /nested/],
  ['nesting without end', JSON.parse('['.repeat(5000) + ']'.repeat(5000)), 'invalid-input', /nested/],
])('%s: the agent is told, nothing is run', async (_, input, code, why, name = 'add_numbers') => {
  let ran = false
  const { log, result, text } = await call(
    adder(() => ((ran = true), Promise.resolve(ok))),
    input,
    { name },
  )
  expect(result).toMatchObject({ isError: true, structured: { error: code } })
  expect(text).toMatch(why)
  expect(ran).toBe(false)
  expect(log.types()).toEqual(['tool-start', 'tool-end'])
  expect(JSON.stringify(log.events).length).toBeLessThan(10_000)
})

test('a tool is given what the log holds, and nothing that JSON cannot say', async () => {
  const given: unknown[] = []
  const any = defineTool({
    name: 'add_numbers',
    description: '',
    input: z.object({ when: z.any() }),
    result: z.null(),
    execute: (input) => (given.push(input), Promise.resolve({ content: [], structured: null })),
  })
  const { log } = await call(any, { when: new Date(0), f: undefined })
  expect(given).toEqual([log.of('tool-start')[0]?.input])
  expect(given).toEqual([{ when: '1970-01-01T00:00:00.000Z' }])
})

test.each([
  ['an Error', new Error('boom'), 'tool-failed', 'boom'],
  [
    'a SeerError, with its hint',
    new SeerError('file-missing', { message: 'no file', hint: 'look' }),
    'file-missing',
    'no file\\n  → look',
  ],
  ['what is no Error', 'a string', 'tool-failed', 'a string'],
])('%s that is thrown becomes the result', async (_, thrown, code, shown) => {
  const { result, text, log } = await call(
    adder(() => Promise.reject(thrown)),
    { a: 1 },
  )
  expect(result).toMatchObject({ isError: true, structured: { error: code } })
  expect(text).toContain(shown)
  expect(log.of('tool-end')[0]).toMatchObject({ isError: true, structured: { error: code } })
})

test('what ends the run is thrown, and the call has its end in the log', async () => {
  const lost = new SeerError('sandbox-lost', { message: 'gone', endsRun: true })
  const { result, log } = await call(
    adder(() => Promise.reject(lost)),
    { a: 1 },
  )
  expect(result).toBe(lost)
  expect(log.of('tool-end')).toMatchObject([{ isError: true, structured: { error: 'sandbox-lost' } }])
})

test.each([
  ['a DOMException', undefined],
  ['a reason of its own', 'enough'],
])('an abort with %s: interrupted, before and during the call', async (_, reason) => {
  const stop = new AbortController()
  const during = call(
    adder(
      (__, signal) =>
        new Promise((___, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    ),
    { a: 1 },
    { signal: stop.signal },
  )
  stop.abort(reason)
  expect((await during).result).toMatchObject({ isError: true, structured: { error: 'interrupted' } })
  const after = await call(adder(), { a: 1 }, { signal: stop.signal })
  expect(after.result).toMatchObject({ isError: true, structured: { error: 'interrupted' } })
})

function cycle(): object {
  const value: Record<string, unknown> = { a: 1 }
  value['b'] = value
  return value
}
