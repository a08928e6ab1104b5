/**
 * One turn of the model: a stream of parts, gathered. Throws what the provider reports; an abort returns what had come.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from '@ai-sdk/provider'
import type { AssistantPart } from './messages.ts'

export interface ModelCall {
  readonly id: string
  readonly name: string
  /** JSON as the model wrote it, which may be broken. */
  readonly json: string
}

export interface Turn {
  readonly parts: AssistantPart[]
  readonly calls: ModelCall[]
  readonly text: string
  readonly thinking: string
  readonly finish: LanguageModelV4FinishReason | { unified: 'aborted'; raw: undefined }
  readonly usage: LanguageModelV4Usage | undefined
  /** As the API names it. */
  readonly model: string | undefined
}

/** The stream ended, with no error, before the model had. */
export class CutStreamError extends Error {
  override readonly name = 'CutStreamError'
}

export async function readTurn(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions & { abortSignal: AbortSignal },
  { onWarning, onBegun }: { onWarning: (warning: SharedV4Warning) => void; onBegun?: () => void },
): Promise<Turn> {
  const gathered = gather()
  const signal = options.abortSignal
  try {
    signal.throwIfAborted()
    const { stream } = await model.doStream(options)
    for await (const part of untilAborted(stream, signal)) {
      if (part.type === 'stream-start') part.warnings.forEach(onWarning)
      if (part.type === 'error') throw part.error
      if (part.type === 'response-metadata') onBegun?.()
      gathered.add(part)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return gathered.turn(signal.aborted)
}

async function* untilAborted<T>(stream: ReadableStream<T>, signal: AbortSignal): AsyncGenerator<T> {
  const reader = stream.getReader()
  const cancel = () => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

type Block = { type: 'text' | 'reasoning'; text: string; metadata: SharedV4ProviderMetadata }
type CallBlock = { type: 'call'; call: ModelCall; metadata: SharedV4ProviderMetadata }

function gather() {
  const blocks: (Block | CallBlock)[] = []
  const open = new Map<string, Block>()
  let finish: Extract<LanguageModelV4StreamPart, { type: 'finish' }> | undefined
  let modelId: string | undefined

  function start(type: Block['type'], part: { id: string; providerMetadata?: SharedV4ProviderMetadata }) {
    const block: Block = { type, text: '', metadata: { ...part.providerMetadata } }
    blocks.push(block)
    open.set(`${type} ${part.id}`, block)
  }

  function extend(
    type: Block['type'],
    part: { id: string; delta?: string; providerMetadata?: SharedV4ProviderMetadata },
  ) {
    const block = open.get(`${type} ${part.id}`)
    if (!block) return
    block.text += part.delta ?? ''
    for (const [provider, values] of Object.entries(part.providerMetadata ?? {}))
      block.metadata[provider] = { ...block.metadata[provider], ...values }
  }

  function add(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case 'text-start':
        return start('text', part)
      case 'reasoning-start':
        return start('reasoning', part)
      case 'text-delta':
      case 'text-end':
        return extend('text', part)
      // The signature of a thinking block comes in a delta without text.
      case 'reasoning-delta':
      case 'reasoning-end':
        return extend('reasoning', part)
      case 'tool-call': {
        const call = { id: part.toolCallId, name: part.toolName, json: part.input }
        blocks.push({ type: 'call', call, metadata: { ...part.providerMetadata } })
        return
      }
      case 'response-metadata':
        modelId = part.modelId
        return
      case 'finish':
        finish = part
        return
      default:
    }
  }

  function turn(aborted: boolean): Turn {
    const wasCut = finish === undefined || finish.finishReason.unified === 'interrupted'
    if (wasCut && !aborted) throw new CutStreamError('The answer broke off before its end.')
    return {
      parts: blocks.map(toPart),
      calls: blocks.flatMap((block) => (block.type === 'call' ? [block.call] : [])),
      text: textOf('text'),
      thinking: textOf('reasoning'),
      finish: wasCut ? { unified: 'aborted', raw: undefined } : finish!.finishReason,
      usage: finish?.usage,
      model: modelId,
    }
  }

  function textOf(type: Block['type']): string {
    return blocks.flatMap((block) => (block.type === type && block.text !== '' ? [block.text] : [])).join('\n\n')
  }

  return { add, turn }
}

function toPart(block: Block | CallBlock): AssistantPart {
  const providerOptions = Object.keys(block.metadata).length > 0 ? { providerOptions: block.metadata } : {}
  if (block.type !== 'call') return { type: block.type, text: block.text, ...providerOptions }
  const { id, name, json } = block.call
  return { type: 'tool-call', toolCallId: id, toolName: name, input: parseCallInput(json).input, ...providerOptions }
}

/** Broken JSON is kept under a key of its own, so that what stands in the log is also what the model sees in its history. */
export function parseCallInput(json: string): { broken: boolean; input: object } {
  try {
    const input: unknown = JSON.parse(json)
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return { broken: false, input }
  } catch {
    // Falls through to the raw text.
  }
  return { broken: true, input: { rawInvalidInput: json } }
}
