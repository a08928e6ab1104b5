import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { newRun } from '../../test/fixtures/memory-run.ts'
import { z } from 'zod'
import { defineTool, runTool } from '../tools/tool.ts'
import { openRedactor, type Redactor } from './redactor.ts'
import { formsOf } from './secret-forms.ts'

const CANARY = 'canary/47+11 &"x\'Zoë\n-end'

function redactorOf(...values: string[]): Redactor {
  const redactor = openRedactor()
  redactor.keep(values.map((value, i) => ({ name: `N${i + 1}`, value })))
  return redactor
}

// What stands in place of a value has brackets: a value with brackets may begin or end in one that was put there.
const chars = fc.string({ unit: 'binary', minLength: 8, maxLength: 60 })
const value = chars.filter((text) => text.trim().length >= 8 && text.isWellFormed() && !/[[\]]/.test(text))
const around = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed())

/** Everything that any stretch of base64 in a text could mean, however it is cut. */
function decoded(text: string): string[] {
  const runs = text.match(/[A-Za-z0-9+/_-]+/g) ?? []
  return runs.flatMap((run) => [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), 'base64').toString('utf8')))
}

const base64 = (encoding: 'base64' | 'base64url') => (text: string) => Buffer.from(text).toString(encoding)

test.each<[string, (text: string) => string, (text: string) => string[]]>([
  ['as it is', (text) => text, (text) => [text]],
  ['in base64', base64('base64'), decoded],
  ['in base64 for addresses', base64('base64url'), decoded],
  ['in JSON', (text) => JSON.stringify(text), (text) => [JSON.parse(text) as string]],
  [
    'in JSON in JSON',
    (text) => JSON.stringify(JSON.stringify(text)),
    (text) => [JSON.parse(JSON.parse(text) as string) as string],
  ],
  ['in an address', encodeURIComponent, (text) => [decodeURIComponent(text)]],
  [
    'in an address, as forms send it',
    (text) => new URLSearchParams({ '': text }).toString(),
    (text) => [new URLSearchParams(text).get('') ?? ''],
  ],
])('whatever stands around it, the value is gone: %s', (_, encode, decode) => {
  fc.assert(
    fc.property(value, around, around, (secret, before, after) => {
      const given = encode(before + secret + after)
      const hidden = redactorOf(secret).text(given)
      expect(decode(given).some((text) => text.includes(secret.trim()))).toBe(true)
      expect(decode(hidden).some((text) => text.includes(secret.trim()))).toBe(false)
      expect(hidden).toContain('[secret N1]')
    }),
    { numRuns: 300 },
  )
})

test('of several values, also overlapping ones, none is left', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 8, maxLength: 12 })
  fc.assert(
    fc.property(
      fc.array(letters, { minLength: 1, maxLength: 4 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c') }),
      (values, text) => {
        const given = text + values.join('')
        const hidden = redactorOf(...values).text(given)
        expect(values.filter((one) => hidden.includes(one))).toEqual([])
      },
    ),
  )
})

// As Python writes them, and the command `base64`.
test.each([
  ["urllib.parse.quote(v, safe='')", 'canary%2F47%2B11%20%26%22x%27Zo%C3%AB%0A-end'],
  ['urllib.parse.quote(v)', 'canary/47%2B11%20%26%22x%27Zo%C3%AB%0A-end'],
  ['urllib.parse.quote_plus(v)', 'canary%2F47%2B11+%26%22x%27Zo%C3%AB%0A-end'],
  ['small letters', 'canary%2f47%2b11%20%26%22x%27Zo%c3%ab%0a-end'],
  ['json.dumps(v)', 'canary/47+11 &\\"x\'Zo\\u00eb\\n-end'],
  ['repr(v)', 'canary/47+11 &"x\\\'Zoë\\n-end'],
  ['html.escape(v)', 'canary/47+11 &amp;&quot;x&#x27;Zoë\n-end'],
  ['html.escape(v, quote=False)', 'canary/47+11 &amp;"x\'Zoë\n-end'],
  ['a slash escaped in JSON', 'canary\\/47+11 &\\"x\'Zoë\\n-end'],
])('%s', (_, form) => {
  expect(redactorOf(CANARY).text(`<${form}>`)).toBe('<[secret N1]>')
})

test('base64 with and without padding is hidden to its last letter, also when it is broken into lines', () => {
  const long = `${'k'.repeat(60)}0123456789`
  const padded = Buffer.from(long).toString('base64')
  const broken = padded.replace(/.{76}/, (line) => `${line}\n`)
  expect(broken).toContain('\n')
  const redactor = redactorOf(long)
  for (const form of [padded, padded.replace(/=+$/, ''), broken]) expect(redactor.text(form)).toBe('[secret N1]')
})

test('a last newline, as files have one, does not protect a value', () => {
  expect(redactorOf('canary-4711\n').text('key: canary-4711!')).toBe('key: [secret N1]!')
  expect(formsOf(' canary-4711 ')).toContain('canary-4711')
})

test('all strings of an event and the keys in it; not what Seer stamps on it', () => {
  const redactor = redactorOf('session-s1')
  const event = redactor.event({
    type: 'result-record',
    by: 'agent:agent',
    session: 'session-s1',
    table: 't',
    row: { 'session-s1': ['a session-s1', 1, null, { b: 'session-s1' }], n: true },
  })
  expect(event).toEqual({
    type: 'result-record',
    by: 'agent:agent',
    session: 'session-s1',
    table: 't',
    row: { '[secret N1]': ['a [secret N1]', 1, null, { b: '[secret N1]' }], n: true },
  })
})

test('without secrets nothing is copied, and what holds none is the same value', () => {
  const event = { type: 'markdown-add', by: 'system', text: 'x' } as const
  const deep = { a: [{ b: 'c' }] }
  expect(openRedactor().event(event)).toBe(event)
  expect(openRedactor().text('anything')).toBe('anything')
  expect(redactorOf('canary-4711').value(deep)).toBe(deep)
})

test('text files are searched, other bytes are as they were', () => {
  const redactor = redactorOf('canary-4711')
  const text = Buffer.from('\ufeffé canary-4711')
  const binary = Buffer.concat([Buffer.from([0xff, 0xfe]), text])
  expect(Buffer.from(redactor.bytes(text)).toString()).toBe('\ufeffé [secret N1]')
  expect(redactor.bytes(binary)).toBe(binary)
})

test('a run writes none of it: log, notebook, results, run.json; and who called a tool is told what the log has', async () => {
  const run = newRun()
  run.redactor.keep([{ name: 'KEY', value: 'canary-4711' }])
  const place = { by: 'agent:agent', session: 's1', sandbox: 'sb', cell: 'c1' } as const
  run.emit({ type: 'cell-start', ...place, code: 'k = "canary-4711"', hidden: false })
  run.emit({ type: 'cell-output', ...place, output: { output_type: 'stream', name: 'stdout', text: 'canary-4711' } })
  run.emit({ type: 'result-record', ...place, table: 't', row: { key: 'canary-4711' } })
  const tool = defineTool({
    name: 'leak',
    description: '',
    input: z.strictObject({ text: z.string() }),
    result: z.strictObject({ text: z.string() }),
    execute: ({ text }) =>
      Promise.resolve({ content: [{ type: 'text', text: `it is ${text}` }], structured: { text } }),
  })
  const { emit, storeArtifact, signal } = run
  const result = await runTool(
    [tool],
    { id: '1', name: 'leak', input: { text: 'canary-4711' } },
    { emit, storeArtifact, signal, by: 'agent:agent' },
  )
  expect(result).toEqual({
    content: [{ type: 'text', text: 'it is [secret KEY]' }],
    structured: { text: '[secret KEY]' },
  })
  await run.end('failed', new Error('no canary-4711'))
  const files = ['events.jsonl', 'notebook.ipynb', 'run.json', 'results/t.jsonl'].map((name) =>
    readFileSync(join(run.folder, name), 'utf8'),
  )
  for (const file of files) expect(file).not.toContain('canary')
  for (const file of files) expect(file).toContain('[secret KEY]')
})
