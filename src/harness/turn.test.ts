import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { describe, expect, it } from 'vitest'
import { parseCallInput, readTurn } from './turn.ts'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}
const said: LanguageModelV4StreamPart[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'Half a' },
]

/** A model whose stream does as it is told, and never looks at the signal. */
function model(
  parts: readonly LanguageModelV4StreamPart[],
  then: (controller: ReadableStreamDefaultController) => void,
): LanguageModelV4 {
  const stream = new ReadableStream<LanguageModelV4StreamPart>({
    start(controller) {
      for (const part of parts) controller.enqueue(part)
      then(controller)
    },
  })
  const doStream = () => Promise.resolve({ stream })
  return {
    specificationVersion: 'v4',
    provider: 'p',
    modelId: 'm',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error()),
    doStream,
  }
}

const read = (given: LanguageModelV4, abortSignal: AbortSignal) =>
  readTurn(given, { prompt: [], abortSignal }, { onWarning: () => undefined })

describe('readTurn', () => {
  it.each(['goes on in silence', 'breaks'])('keeps what had come when it is aborted and the stream %s', async (how) => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 20)
    const breaking = model(said, (controller) => {
      if (how === 'breaks') abort.signal.addEventListener('abort', () => controller.error(new Error('socket gone')))
    })
    expect(await read(breaking, abort.signal)).toMatchObject({ text: 'Half a', finish: { unified: 'aborted' } })
  })

  it('keeps blocks apart and in order, each with all that the provider said of it', async () => {
    const parts: LanguageModelV4StreamPart[] = [
      { type: 'reasoning-start', id: '0', providerMetadata: { anthropic: { a: 1 } } },
      { type: 'reasoning-delta', id: '0', delta: 'Hm' },
      { type: 'reasoning-delta', id: '0', delta: '', providerMetadata: { anthropic: { signature: 's' } } },
      { type: 'reasoning-end', id: '0' },
      ...said.slice(1),
      { type: 'text-end', id: '0' },
      { type: 'tool-call', toolCallId: 't', toolName: 'add', input: '{"a":1}' },
      { type: 'text-start', id: '2' },
      { type: 'text-delta', id: '2', delta: 'Then' },
      { type: 'finish', usage, finishReason: { unified: 'tool-calls', raw: 'tool_use' } },
    ]
    const turn = await read(
      model(parts, (controller) => controller.close()),
      new AbortController().signal,
    )
    expect(turn.parts).toEqual([
      { type: 'reasoning', text: 'Hm', providerOptions: { anthropic: { a: 1, signature: 's' } } },
      { type: 'text', text: 'Half a' },
      { type: 'tool-call', toolCallId: 't', toolName: 'add', input: { a: 1 } },
      { type: 'text', text: 'Then' },
    ])
    expect([turn.text, turn.thinking]).toEqual(['Half a\n\nThen', 'Hm'])
  })
})

it.each([
  ['{"a":1}', { broken: false, input: { a: 1 } }],
  ['{"a":', { broken: true, input: { rawInvalidInput: '{"a":' } }],
  ['[1]', { broken: true, input: { rawInvalidInput: '[1]' } }],
  ['null', { broken: true, input: { rawInvalidInput: 'null' } }],
  ['', { broken: true, input: { rawInvalidInput: '' } }],
])('reads the input %j', (json, expected) => {
  expect(parseCallInput(json)).toEqual(expected)
})
