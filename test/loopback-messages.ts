/**
 * A Messages API on loopback for tests: answers from a script, and is as strict about what it is asked as the real one.
 *
 * What it holds against a request: fields that the API does not have; a history in which roles do not alternate, a tool_use
 * goes without exactly one tool_result in the very next message, or what the assistant said is not what was sent.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkRequest, type MessagesRequest } from './messages-rules.ts'

export interface ScriptedCall {
  id: string
  name: string
  input?: object
  /** Sent instead of the input's JSON. */
  json?: string
}

export interface ScriptedAnswer {
  think?: { text: string; signature: string }
  /** Reasoning that came encrypted. */
  redacted?: string
  say?: string
  calls?: ScriptedCall[]
  stop?: 'end_turn' | 'tool_use' | 'max_tokens' | 'refusal'
  usage?: { input: number; output: number; cacheRead?: number; cacheWrite?: number }
  /** An HTTP error instead of an answer. */
  status?: number
  error?: { type: string; message: string }
  headers?: Record<string, string>
  /** After the content: an error event, the end of the stream, or a broken connection, where message_stop should come. */
  breaks?: 'overloaded' | 'cut' | 'reset' | 'hang'
  delayMs?: number
}

export interface LoopbackMessages extends AsyncDisposable {
  readonly url: string
  readonly requests: MessagesRequest[]
  /** Of each request, in lower case. */
  readonly headers: IncomingHttpHeaders[]
  /** Breaches of the API's rules; each was also answered with a 400. */
  readonly violations: string[]
  /** Resolves once this many requests have come. */
  asked(count: number): Promise<void>
}

export async function loopbackMessages(script: readonly ScriptedAnswer[]): Promise<LoopbackMessages> {
  const requests: MessagesRequest[] = []
  const headers: IncomingHttpHeaders[] = []
  const violations: string[] = []
  const sent = new Map<string, string>()
  let next = 0

  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of req) body += String(chunk)
    const answer = script[next++]
    const problems = checkRequest({ path: req.url ?? '', headers: req.headers, body, sent })
    requests.push(JSON.parse(body) as MessagesRequest)
    headers.push(req.headers)
    if (!answer) problems.push(`request ${requests.length} is one more than the script has`)
    violations.push(...problems)
    if (problems.length > 0 || !answer)
      return fail(res, 400, { type: 'invalid_request_error', message: problems.join('; ') })
    if (answer.delayMs) await sleep(answer.delayMs)
    if (answer.status) return fail(res, answer.status, answer.error ?? errorOf(answer.status), answer.headers)
    stream(res, answer, requests.length, sent)
  }
  const server = createServer((req, res) => void respond(req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    headers,
    violations,
    async asked(count) {
      for (let i = 0; requests.length < count && i < 12_000; i++) await sleep(5)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function errorOf(status: number) {
  const type = status === 529 ? 'overloaded_error' : status === 429 ? 'rate_limit_error' : 'api_error'
  return { type, message: `scripted ${status}` }
}

function fail(res: ServerResponse, status: number, error: { type: string; message: string }, headers = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.end(JSON.stringify({ type: 'error', error }))
}

function stream(res: ServerResponse, answer: ScriptedAnswer, n: number, sent: Map<string, string>): void {
  const send = (type: string, value: object = {}) =>
    res.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`)
  const { usage = { input: 10, output: 5 } } = answer
  const message = {
    id: `msg_${n}`,
    type: 'message',
    role: 'assistant',
    model: 'claude-as-named-by-the-api',
    content: [],
  }
  const inputUsage = {
    input_tokens: usage.input,
    cache_read_input_tokens: usage.cacheRead ?? 0,
    cache_creation_input_tokens: usage.cacheWrite ?? 0,
  }
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  send('message_start', {
    message: { ...message, stop_reason: null, stop_sequence: null, usage: { ...inputUsage, output_tokens: 1 } },
  })
  send('ping')
  let index = 0
  const block = (start: object, deltas: object[]) => {
    send('content_block_start', { index, content_block: start })
    for (const delta of deltas) send('content_block_delta', { index, delta })
    send('content_block_stop', { index: index++ })
  }
  if (answer.think) {
    const { text, signature } = answer.think
    sent.set(`thinking ${signature}`, text)
    block({ type: 'thinking', thinking: '', signature: '' }, [
      { type: 'thinking_delta', thinking: text },
      { type: 'signature_delta', signature },
    ])
  }
  if (answer.redacted !== undefined) {
    sent.set(`redacted_thinking ${answer.redacted}`, '')
    block({ type: 'redacted_thinking', data: answer.redacted }, [])
  }
  if (answer.say !== undefined)
    block(
      { type: 'text', text: '' },
      (answer.say.match(/.{1,7}/gs) ?? []).map((text) => ({ type: 'text_delta', text })),
    )
  for (const call of answer.calls ?? []) {
    const json = call.json ?? JSON.stringify(call.input ?? {})
    sent.set(`tool_use ${call.id}`, json)
    const deltas = (json.match(/.{1,9}/gs) ?? []).map((partial_json) => ({ type: 'input_json_delta', partial_json }))
    block({ type: 'tool_use', id: call.id, name: call.name, input: {} }, deltas)
  }
  if (answer.breaks === 'hang') return
  if (answer.breaks === 'reset') {
    setTimeout(() => res.destroy(), 20)
    return
  }
  if (answer.breaks === 'overloaded') send('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
  if (answer.breaks === undefined) {
    const stop = answer.stop ?? (answer.calls?.length ? 'tool_use' : 'end_turn')
    send('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: usage.output } })
    send('message_stop')
  }
  res.end()
}
