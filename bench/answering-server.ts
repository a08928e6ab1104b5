/**
 * A Messages API on loopback that answers at once: a call of the tool `bump` in each of the first turns, then a last word.
 *
 * What it answers depends on the request alone (how many results its history has), so that requests of any client's own
 * besides, as for a title, change nothing; they are listed.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

export const LAST_WORD = 'That is all.'
const MODEL = 'claude-sonnet-5-5'

const block = z.looseObject({ type: z.string(), content: z.unknown().optional() })
const request = z.looseObject({
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(block)]) })),
})

export interface AnsweringServer extends AsyncDisposable {
  readonly url: string
  /** When the head of each request of the agent came, on the clock of `process.hrtime`, which all processes share. */
  readonly arrivals: bigint[]
  /** Bytes of each of their bodies. */
  readonly sizes: number[]
  /** What the last request says that the tool returned, in order. */
  readonly results: string[]
  /** Requests that do not belong to the agent's turns. */
  readonly others: string[]
}

export async function answeringServer(turns: number): Promise<AnsweringServer> {
  const arrivals: bigint[] = []
  const sizes: number[] = []
  const results: string[] = []
  const others: string[] = []

  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const at = process.hrtime.bigint()
    const body = await text(req)
    const asked = /^\/v1\/messages(\?|$)/.test(req.url ?? '') ? request.parse(JSON.parse(body)) : undefined
    const tool = asked?.tools?.find(({ name }) => /(^|__)bump$/.test(name))?.name
    if (asked === undefined || tool === undefined) {
      others.push(`${req.method} ${req.url}`)
      if (asked) return answer(res, `msg_other_${others.length}`, { type: 'text', text: LAST_WORD })
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":100}')
      return
    }
    arrivals.push(at)
    sizes.push(body.length)
    results.splice(0, results.length, ...resultsIn(asked.messages))
    const turn = results.length
    if (turn >= turns) return answer(res, `msg_${turn}`, { type: 'text', text: LAST_WORD })
    answer(res, `msg_${turn}`, { type: 'tool_use', id: `toolu_${turn}`, name: tool, input: { n: turn } })
  }
  const server = createServer((req, res) => {
    respond(req, res).catch((error: unknown) => {
      others.push(`${req.method} ${req.url}: ${String(error)}`)
      res.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    sizes,
    results,
    others,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function resultsIn(messages: z.infer<typeof request>['messages']): string[] {
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
  return parts.flatMap(({ type, content }) => {
    if (type !== 'tool_result') return []
    return [typeof content === 'string' ? content : JSON.stringify(content)]
  })
}

type Block =
  { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> }

/** The whole stream in one write: what is measured is the client. */
function answer(res: ServerResponse, id: string, content: Block): void {
  const isCall = content.type === 'tool_use'
  const usage = { input_tokens: 100, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 1 }
  const message = { id, type: 'message', role: 'assistant', model: MODEL, content: [], stop_reason: null, usage }
  const delta = isCall
    ? { type: 'input_json_delta', partial_json: JSON.stringify(content.input) }
    : { type: 'text_delta', text: content.text }
  const events: { type: string; [field: string]: unknown }[] = [
    { type: 'message_start', message: { ...message, stop_sequence: null } },
    {
      type: 'content_block_start',
      index: 0,
      content_block: isCall ? { ...content, input: {} } : { type: 'text', text: '' },
    },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: isCall ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: { output_tokens: 20 },
    },
    { type: 'message_stop' },
  ]
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
}
