/** Between Node's requests and the web's, in which the SDK of MCP speaks. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Undefined for one that is larger: what comes after that is not read. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Without its body. The signal is aborted when the connection over which it is answered has closed, or the answer is out. */
export function toWebRequest(request: IncomingMessage, response: ServerResponse, origin: string): Request {
  const closed = new AbortController()
  response.once('close', () => closed.abort(new DOMException('The client has left.', 'AbortError')))
  const headers = Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  const { method = 'GET', url = '/' } = request
  return new Request(new URL(url, origin), { method, headers, signal: closed.signal })
}

/** Resolves when all of it is out, or nobody reads any more. */
export async function sendWebResponse(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, [...answer.headers].flat())
  if (answer.body === null) return void response.end()
  // Else a client that waits for the first event waits for the headers, too.
  response.flushHeaders()
  await pipeline(Readable.fromWeb(answer.body), response).catch(() => response.destroy())
}
