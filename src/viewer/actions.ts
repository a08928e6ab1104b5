/** What a person does to a run from its page: handed to the run's writer, which decides, and logs it. */
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { connectControl } from '../run/control.ts'

/** More than the longest message with every character escaped. */
const MAX_BODY_BYTES = 512 * 1024

const nothing = z.strictObject({})
const messageSchema = z.strictObject({ text: z.string(), agent: z.string().optional() })

const actions = ['interrupt', 'message', 'stop'] as const
export type Action = (typeof actions)[number]

export function isAction(name: string | undefined): name is Action {
  return (actions as readonly (string | undefined)[]).includes(name)
}

export async function act(folder: string, action: Action, request: IncomingMessage): Promise<void> {
  const body = await readJson(request)
  const { text, agent } = action === 'message' ? parse(messageSchema, body) : { ...parse(nothing, body), text: '' }
  using control = await connectControl(folder, { from: 'page' })
  if (action === 'message') await control.message(text, agent)
  else await control[action]()
}

/** Whether the run's writer answers. */
export async function canSteer(folder: string): Promise<boolean> {
  try {
    using _ = await connectControl(folder, { from: 'page' })
    return true
  } catch {
    return false
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new SeerError('viewer-request', { message: z.prettifyError(parsed.error) })
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  // A form of another page cannot send this type.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    throw new SeerError('viewer-request', { message: 'What is sent must be JSON, and say so.' })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new SeerError('viewer-too-large', { message: 'That is too long to be sent.' })
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new SeerError('viewer-request', { message: 'What was sent is not JSON.', cause })
  }
}
