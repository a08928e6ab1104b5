/** What answers at one url: who has which token is given what, in both protocols that clients speak (of 2025 and of 2026). */
import { createMcpHandler, isJsonContentType, isLegacyRequest } from '@modelcontextprotocol/server'
import { givenTo } from './access.ts'
import { openCalls, type Calls } from './calls.ts'
import { refuse, type Answer } from './http-server.ts'
import { mcpServer } from './mcp-server.ts'
import { openSessions } from './sessions.ts'
import type { ClientInfo, Visit } from './view.ts'
import { readBody, sendWebResponse, toWebRequest } from './web-request.ts'

/** Code has at most 200,000 characters, of which JSON may make six bytes each. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

export interface Door {
  readonly token: string
  /** Throws a SeerError for who cannot come in now. */
  readonly enter: (client: ClientInfo) => Promise<Visit>
  /** It matters that whoever came in is still there: only the protocol of 2025 can tell. */
  readonly isMissed?: boolean
}

export interface Endpoint {
  readonly answer: Answer
  /** Ends what is being done, with a word to whoever asked for it, then the rest. */
  readonly close: () => Promise<void>
}

/** In the protocol of 2026 each request says who asks, and the view is the same for all. */
const UNNAMED: ClientInfo = { name: '', version: '' }

type Serve = (request: Request, body: unknown) => Promise<Response>

export function openEndpoint(doors: readonly Door[]): Endpoint {
  const calls = openCalls()
  const opened = doors.map((door) => ({ token: door.token, ...openDoor(door, calls) }))
  return {
    async answer(request, response, origin) {
      const door = givenTo(request.headers, opened)
      if (!door) return refuse(request, response, 401)
      const web = toWebRequest(request, response, origin)
      const body = request.method === 'POST' ? await readBody(request, MAX_BODY_BYTES) : ''
      if (body === undefined) return refuse(request, response, 413)
      await sendWebResponse(await door.serve(web, parsed(body)), response)
    },
    async close() {
      await calls.end()
      for (const { close } of opened) close()
    },
  }
}

function openDoor({ enter, isMissed = false }: Door, calls: Calls): { serve: Serve; close: () => void } {
  const sessions = openSessions({ enter, calls, endsWithStream: isMissed })
  if (isMissed) return { serve: sessions.answer, close: sessions.close }
  const modern = createMcpHandler(async () => mcpServer((await enter(UNNAMED)).view, calls), { legacy: 'reject' })
  return {
    async serve(request, body) {
      if (body === undefined || (await isLegacyRequest(request, body))) return sessions.answer(request, body)
      const type = request.headers.get('content-type')
      if (!isJsonContentType(type)) return new Response(null, { status: 415 })
      return modern.fetch(request, { parsedBody: body })
    },
    close() {
      sessions.close()
      void modern.close()
    },
  }
}

/** Undefined where there is none, or it is no JSON. */
function parsed(body: string): unknown {
  try {
    return body === '' ? undefined : JSON.parse(body)
  } catch {
    return undefined
  }
}
