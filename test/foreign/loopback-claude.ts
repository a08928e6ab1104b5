/**
 * As much of the Messages API as Claude Code needs, on loopback: answers from a script, and keeps what it was asked. Not strict, as
 * `loopback-messages.ts` is: what Claude Code sends is its own affair.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ScriptedCall } from '../loopback-messages.ts'

export interface Asked {
  readonly stream?: boolean
  readonly model: string
  readonly tools?: { name: string }[]
  readonly messages: { role: string; content: string | Record<string, unknown>[] }[]
}

export interface LoopbackClaude extends AsyncDisposable {
  readonly url: string
  /** Those in which the tools of an MCP server were offered. */
  readonly asked: readonly Asked[]
}

/** Each turn: the calls that it makes. After the last one it says that it is done. */
export async function loopbackClaude(turns: readonly ScriptedCall[][]): Promise<LoopbackClaude> {
  const asked: Asked[] = []
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (request.url?.includes('count_tokens')) return json(response, { input_tokens: 10 })
    if (request.method !== 'POST' || !request.url?.startsWith('/v1/messages')) return void response.writeHead(404).end()
    const given = JSON.parse(body) as Asked
    const isTurn = given.tools?.some(({ name }) => name.startsWith('mcp__')) ?? false
    const calls = isTurn ? (turns[asked.length] ?? []) : []
    if (isTurn) asked.push(given)
    const message = messageOf(given.model, asked.length, calls)
    if (given.stream) stream(response, message)
    else json(response, message)
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function messageOf(model: string, n: number, calls: readonly ScriptedCall[]) {
  const uses = calls.map(({ id, name, input = {} }) => ({ type: 'tool_use' as const, id, name, input }))
  return {
    id: `msg_${n}`,
    type: 'message',
    role: 'assistant',
    model,
    content: uses.length > 0 ? uses : [{ type: 'text' as const, text: 'Done.' }],
    stop_reason: uses.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function stream(response: ServerResponse, message: ReturnType<typeof messageOf>): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (type: string, value: object = {}) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`)
  send('message_start', { message: { ...message, content: [], stop_reason: null } })
  for (const [index, block] of message.content.entries()) {
    const [empty, delta] =
      block.type === 'text'
        ? [
            { type: 'text', text: '' },
            { type: 'text_delta', text: block.text },
          ]
        : [
            { ...block, input: {} },
            { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
          ]
    send('content_block_start', { index, content_block: empty })
    send('content_block_delta', { index, delta })
    send('content_block_stop', { index })
  }
  const { stop_reason, stop_sequence } = message
  send('message_delta', { delta: { stop_reason, stop_sequence }, usage: { output_tokens: 5 } })
  send('message_stop')
  response.end()
}
