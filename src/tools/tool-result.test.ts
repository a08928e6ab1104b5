import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import { MAX_RESULT_CHARS, runTool, type Tool, type ToolResult } from './tool.ts'

async function returns(result: unknown) {
  const log = keptEvents()
  const tool: Tool = {
    name: 'report',
    description: '',
    input: z.object({}),
    result: z.strictObject({ n: z.number(), more: z.unknown().optional() }),
    execute: () => Promise.resolve(result as ToolResult),
  }
  const context = {
    emit: log.emit,
    by: 'agent:x' as const,
    signal: new AbortController().signal,
    storeArtifact: () => '',
  }
  const told = await runTool([tool], { id: 'c', name: 'report', input: {} }, context)
  return { told, log, logged: log.of('tool-end')[0] }
}
const text = (value: string) => ({ type: 'text', text: value }) as const

test.each([
  ['a wrong shape', { n: 'one' }, /report returned.*expected number/s],
  ['an unknown key', { n: 1, m: 2 }, /Unrecognized key/],
  ['nothing', undefined, /expected object/],
  ['what is no JSON', { n: 1, more: 1n }, /not JSON/],
  ['too much', { n: 1, more: 'x'.repeat(MAX_RESULT_CHARS) }, /characters of JSON/],
])('a result with %s is the tool’s fault, and is said to be', async (_, structured, why) => {
  const { told, logged } = await returns({ content: [text('fine')], structured })
  expect(told).toMatchObject({ isError: true, structured: { error: 'tool-result-invalid' } })
  expect(told.content[0]).toMatchObject({ text: expect.stringMatching(why) })
  expect(logged).toMatchObject({ isError: true, content: told.content })
})

test('an error that a tool returns itself need not have the result’s shape', async () => {
  const { told } = await returns({ content: [text('no')], structured: { error: 'mine' }, isError: true })
  expect(told).toMatchObject({ isError: true, structured: { error: 'mine' } })
})

test('50 MB of text: head and tail, with how much is between them; the log holds what the agent is told', async () => {
  const huge = `START${'x'.repeat(50_000_000)}END`
  const { told, logged } = await returns({ content: [text(huge)], structured: { n: 1 } })
  const [block] = told.content
  const shown = block?.type === 'text' ? block.text : ''
  expect(shown.length).toBeLessThan(MAX_RESULT_CHARS + 200)
  expect(shown).toMatch(/^START/)
  expect(shown).toMatch(/END$/)
  const left = Number(/(\d+) characters left out/.exec(shown)?.[1])
  expect(left + shown.replace(/\n\[….*…\]\n/, '').length).toBe(huge.length)
  expect(logged?.content).toEqual(told.content)
})

test('many blocks share the room', async () => {
  const { told } = await returns({
    content: Array.from({ length: 10 }, () => text('y'.repeat(100_000))),
    structured: { n: 1 },
  })
  const total = told.content.reduce((sum, block) => sum + (block.type === 'text' ? block.text.length : 0), 0)
  expect(total).toBeLessThan(MAX_RESULT_CHARS + 10 * 200)
  expect(told.content[9]).toMatchObject({ text: expect.stringContaining('100000 characters left out') })
})

test('a cut never leaves half a character', async () => {
  const { told } = await returns({ content: [text('😀'.repeat(MAX_RESULT_CHARS))], structured: { n: 1 } })
  const [block] = told.content
  expect(block?.type === 'text' && block.text.isWellFormed()).toBe(true)
})
