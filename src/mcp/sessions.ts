/**
 * Clients that speak the protocol of 2025: each has a session, from its `initialize` until it leaves. One that is left behind is
 * ended after a while, and there are never more than so many.
 */
import { randomBytes } from 'node:crypto'
import { isInitializeRequest, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { describeError, SeerError } from '../errors.ts'
import type { Calls } from './calls.ts'
import { mcpServer } from './mcp-server.ts'
import type { ClientInfo, Visit } from './view.ts'

const MAX_SESSIONS = 32
const IDLE_MS = 30 * 60_000
/** A client that is waited for opens its stream again well before. */
const GONE_MS = 10_000

export interface SessionsOptions {
  /** Somebody comes in. */
  readonly enter: (client: ClientInfo) => Promise<Visit>
  readonly calls: Calls
  /** A client whose stream has closed has left: for what must not go on without it. */
  readonly endsWithStream: boolean
}

export interface Sessions {
  readonly answer: (request: Request, body: unknown) => Promise<Response>
  /** Ends all of them, with what they do. */
  readonly close: () => void
}

interface Session {
  readonly transport: WebStandardStreamableHTTPServerTransport
  /** Requests that are being answered, a stream that waits for news among them. */
  open: number
  usedAt: number
  leaving: NodeJS.Timeout | undefined
}

export function openSessions({ enter, calls, endsWithStream }: SessionsOptions): Sessions {
  const sessions = new Map<string, Session>()
  let closed = false

  async function answer(request: Request, body: unknown): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    const session = id === null ? undefined : sessions.get(id)
    if (session) return serve(session, request, body)
    if (id !== null) return failure(404, -32_001, 'Session not found')
    if (request.method !== 'POST' || !isInitializeRequest(body))
      return failure(400, -32_000, 'Bad Request: Mcp-Session-Id header is required')
    if (!makeRoom()) return failure(503, -32_000, 'Too many clients')
    try {
      return await serve(await open(body.params.clientInfo), request, body)
    } catch (error) {
      // Whoever has come so far has the token: it may know why.
      if (error instanceof SeerError) return failure(409, -32_000, describeError(error))
      throw error
    }
  }

  async function open(client: ClientInfo): Promise<Session> {
    const visit = await enter(client)
    const id = randomBytes(16).toString('hex')
    const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => id })
    const session: Session = { transport, open: 0, usedAt: performance.now(), leaving: undefined }
    const server = mcpServer(visit.view, calls)
    const onclose = () => {
      clearTimeout(session.leaving)
      sessions.delete(id)
      visit.leave()
    }
    Object.assign(server, { onclose })
    await server.connect(transport)
    if (closed) await transport.close()
    else sessions.set(id, session)
    return session
  }

  async function serve(session: Session, request: Request, body: unknown): Promise<Response> {
    session.open += 1
    clearTimeout(session.leaving)
    const answered = () => {
      session.open -= 1
      session.usedAt = performance.now()
      if (session.open === 0) endLater(session)
    }
    // Coming in takes time (a kernel may have to start), in which a client can leave.
    if (request.signal.aborted) answered()
    else request.signal.addEventListener('abort', answered, { once: true })
    return session.transport.handleRequest(request, { parsedBody: body })
  }

  function endLater(session: Session): void {
    const end = () => void session.transport.close()
    session.leaving = setTimeout(end, endsWithStream ? GONE_MS : IDLE_MS).unref()
  }

  /** For one more: who has not been heard of for the longest time goes. */
  function makeRoom(): boolean {
    if (sessions.size < MAX_SESSIONS) return true
    const idle = [...sessions.values()].filter(({ open }) => open === 0).sort((a, b) => a.usedAt - b.usedAt)
    void idle[0]?.transport.close()
    return idle.length > 0
  }

  return {
    answer,
    close() {
      closed = true
      for (const { transport } of sessions.values()) void transport.close()
    },
  }
}

function failure(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status })
}
