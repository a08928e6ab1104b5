/**
 * The gateway from which JupyterLab's server has its kernel: an HTTP server of this process on loopback, for whoever has its
 * token. There is one kernel, that of the session, and it is there already, whatever is asked to be started or ended.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { describeError } from '../errors.ts'
import { givenTo, isFromHere, newToken } from '../mcp/access.ts'
import type { Channels } from './channels.ts'

export const KERNEL_NAME = 'seer'
const MAX_REQUEST_BYTES = 4 * 1024 * 1024
const LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16 * 1024 }

export interface Gateway {
  readonly url: string
  readonly token: string
  readonly close: () => void
}

export async function openGateway(channels: Channels, session: string): Promise<Gateway> {
  const id = randomUUID()
  const token = newToken()
  const server = createServer(LIMITS)
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_REQUEST_BYTES })
  server.on('connection', (socket) => socket.unref())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  server.on('error', () => undefined)
  const { port } = server.address() as AddressInfo
  const isKnown = ({ headers }: IncomingMessage) =>
    isFromHere(headers, port) && givenTo(headers, [{ token }]) !== undefined

  const model = () => ({
    id,
    name: KERNEL_NAME,
    last_activity: new Date().toISOString(),
    execution_state: channels.state(),
    connections: channels.connections(),
  })
  const spec = {
    name: KERNEL_NAME,
    resources: {},
    spec: {
      argv: [],
      env: {},
      display_name: `Session ${session}`,
      language: 'python',
      interrupt_mode: 'message',
      metadata: {},
    },
  }
  const ways: Readonly<Record<string, () => unknown>> = {
    'GET /api/kernelspecs': () => ({ default: KERNEL_NAME, kernelspecs: { [KERNEL_NAME]: spec } }),
    [`GET /api/kernelspecs/${KERNEL_NAME}`]: () => spec,
    'GET /api/kernels': () => [model()],
    'POST /api/kernels': model,
    [`GET /api/kernels/${id}`]: model,
    [`POST /api/kernels/${id}/interrupt`]: channels.interrupt,
    [`POST /api/kernels/${id}/restart`]: () => channels.restart().then(model),
    // Whoever closes a tab does not end the kernel of the others.
    [`DELETE /api/kernels/${id}`]: () => undefined,
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    if (!isKnown(request)) return end(response, 403)
    const way = ways[`${request.method} ${pathOf(request)}`]
    if (!way) return end(response, 404, { message: 'There is no such kernel.' })
    try {
      const value = await way()
      end(
        response,
        value === undefined ? 204 : request.url === '/api/kernels' && request.method === 'POST' ? 201 : 200,
        value,
      )
    } catch (error) {
      end(response, 500, { message: describeError(error) })
    }
  }
  server.on('request', (request, response) => void answer(request, response))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (!isKnown(request) || pathOf(request) !== `/api/kernels/${id}/channels`)
      return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n')
    sockets.handleUpgrade(request, socket, head, channels.connect)
  })
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    close() {
      server.close()
      server.closeAllConnections()
      sockets.close()
    },
  }
}

const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0] ?? ''

function end(response: ServerResponse, status: number, body?: unknown): void {
  if (response.destroyed) return
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
