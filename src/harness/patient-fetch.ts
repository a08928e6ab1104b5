/**
 * `fetch` for a server that may think for a long time before it says a word.
 *
 * Node's own `fetch` gives up after five minutes without a byte, and that limit cannot be raised without another package; the
 * plain HTTP client under it has none. Redirects are not followed: they would carry the key elsewhere.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'

/** Silence after which a connection counts as dead. A living API sends a ping every few seconds once it has begun. */
export const SILENCE_LIMIT_MS = 30 * 60_000
export const SILENCE_CODE = 'ERR_PROVIDER_SILENT'

export function patientFetch(silenceLimitMs = SILENCE_LIMIT_MS): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const response = await send(url, init ?? {}, silenceLimitMs)
    const headers = Object.entries(response.headersDistinct).flatMap(([name, values]) =>
      (values ?? []).map((value): [string, string] => [name, value]),
    )
    return new Response(Readable.toWeb(response) as ReadableStream<Uint8Array>, {
      status: response.statusCode ?? 500,
      statusText: response.statusMessage ?? '',
      headers,
    })
  }
}

function send(url: URL, init: RequestInit, silenceLimitMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method: init.method ?? 'GET',
      // A connection kept for the next turn may be dead by then, after a long cell; a new one costs little beside an answer.
      headers: { ...Object.fromEntries(new Headers(init.headers)), connection: 'close' },
      ...(init.signal && { signal: init.signal }),
    })
    let answer: IncomingMessage | undefined
    request.on('response', (response) => resolve((answer = response)))
    request.on('error', reject)
    // Long silences pass through firewalls that forget idle connections.
    request.on('socket', (socket) => socket.setKeepAlive(true, 60_000))
    request.setTimeout(silenceLimitMs, () => {
      const error = new Error(`no byte came for ${Math.round(silenceLimitMs / 1_000)} s`)
      ;(answer ?? request).destroy(Object.assign(error, { code: SILENCE_CODE }))
    })
    request.end(init.body as string | Uint8Array | null | undefined)
  })
}
