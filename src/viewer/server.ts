/**
 * The server of the live page: on this machine's own address only, for whoever has its token. It reads runs and writes nothing;
 * what a person does to a run goes to that run's writer.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isAbort, SeerError } from '../errors.ts'
import { openAccess } from './access.ts'
import { readBuiltFiles } from './built-files.ts'
import { listen } from './listen.ts'
import { sendError } from './respond.ts'
import { openRoutes } from './routes.ts'

export interface ViewerOptions {
  readonly outputDir: string
  /** The folder of the built page. */
  readonly page: string
  /** Without one: the usual one, or any when that is taken. */
  readonly port?: number | undefined
  /** Told of what nobody expected; the server goes on. */
  readonly onError?: (error: unknown) => void
}

export interface Viewer extends AsyncDisposable {
  /** With the token. `run`: the id of the run to open at. `once`: it works once. */
  url(options?: { run?: string | undefined; once?: boolean }): string
  /** Somebody has the page open, or had a moment ago. */
  readonly watched: boolean
  /** Ends all connections. Idempotent. */
  close(): Promise<void>
}

/** Against connections that are opened and left: all of a request must come soon. What is answered may take as long as it does. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 5000,
  maxHeaderSize: 16 * 1024,
}
const MAX_CONNECTIONS = 256

export async function startViewer({ outputDir, page, port, onError }: ViewerOptions): Promise<Viewer> {
  const files = readBuiltFiles(page)
  const ended = new AbortController()
  const server = createServer(LIMITS)
  server.maxConnections = MAX_CONNECTIONS
  const at = await listen(server, port)
  const access = openAccess(at)
  const routes = openRoutes({ outputDir, files, access, signal: ended.signal })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      access.checkSender(request)
      await routes.answer(request, response)
    } catch (error) {
      // The rest of a request that is refused is not waited for.
      if (!request.complete && !response.headersSent) response.setHeader('Connection', 'close')
      if (!(error instanceof SeerError) && !isAbort(error) && !request.destroyed) onError?.(error)
      sendError(response, error)
    }
  }
  server.on('request', (request, response) => void serve(request, response))
  server.on('error', (error) => onError?.(error))

  let closed: Promise<void> | undefined
  async function close(): Promise<void> {
    ended.abort()
    const { promise, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    server.closeAllConnections()
    await promise
  }
  return {
    url({ run, once = false } = {}) {
      const query = new URLSearchParams({ token: once ? access.onceToken() : access.token, ...(run && { run }) })
      return `http://127.0.0.1:${at}/?${query.toString()}`
    },
    get watched() {
      return routes.watched
    },
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}
