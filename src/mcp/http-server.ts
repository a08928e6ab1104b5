/**
 * The one HTTP server of this process, on loopback. It is there while something is mounted on it, and keeps no process alive.
 *
 * What is mounted is found by a path that nobody can guess, and answers whoever has its token.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describeError, SeerError } from '../errors.ts'
import { isFromHere } from './access.ts'

/** Answers a request. What it throws is answered with 500, without a word. */
export type Answer = (request: IncomingMessage, response: ServerResponse, origin: string) => Promise<void>

export interface Mounted {
  readonly url: string
  /** From now on nothing is found there. Idempotent. */
  readonly unmount: () => void
}

/** Against connections that are opened and left: all of a request must come soon. What is answered may take as long as it does. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5000,
  keepAliveTimeout: 5000,
  maxHeaderSize: 16 * 1024,
}
const MAX_CONNECTIONS = 256
const FAREWELL_MS = 5000

interface Listening {
  readonly server: Server
  readonly port: number
}

const mounted = new Map<string, Answer>()
let listening: Promise<Listening> | undefined

/** Throws `mcp-not-served` where this machine lets nobody listen on loopback. */
export async function mount(answer: Answer): Promise<Mounted> {
  const path = `/mcp/${randomBytes(16).toString('hex')}`
  // Before anything is waited for: else the server could be closed under our feet.
  mounted.set(path, answer)
  try {
    listening ??= listen()
    const { port } = await listening
    return { url: `http://127.0.0.1:${port}${path}`, unmount: () => unmount(path) }
  } catch (error) {
    unmount(path)
    throw new SeerError('mcp-not-served', {
      message: `The session's tools cannot be served on 127.0.0.1: ${describeError(error)}`,
      hint: 'Something on this machine keeps programs from listening on its loopback address.',
      cause: error,
    })
  }
}

function unmount(path: string): void {
  mounted.delete(path)
  if (mounted.size > 0 || !listening) return
  const leaving = listening
  listening = undefined
  void leaving.then(close, () => undefined)
}

/** Answers that are on their way arrive. */
function close({ server }: Listening): void {
  server.close()
  setTimeout(() => server.closeAllConnections(), FAREWELL_MS).unref()
}

async function listen(): Promise<Listening> {
  const server = createServer(LIMITS)
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (socket) => socket.unref())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const { port } = server.address() as AddressInfo
  // A server that fails later serves no more; the run goes on.
  server.on('error', () => undefined)
  server.on('request', (request, response) => void serve(request, response, port))
  return { server, port }
}

async function serve(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
  try {
    if (!isFromHere(request.headers, port)) return refuse(request, response, 403)
    const answer = mounted.get(URL.parse(request.url ?? '', `http://127.0.0.1:${port}`)?.pathname ?? '')
    if (!answer) return refuse(request, response, 404)
    await answer(request, response, `http://127.0.0.1:${port}`)
  } catch {
    refuse(request, response, 500)
  }
}

/** Says nothing but the number: whoever has no business here is not helped. */
export function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  if (response.headersSent) return void response.destroy()
  // The rest of a request that is refused is not waited for.
  if (!request.complete) response.setHeader('Connection', 'close')
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  response.writeHead(status, { 'Content-Length': 0 }).end()
}
