/** What can be asked for: the page and its files, the list of runs, a run's events and artifacts, and what is done to a run. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { resolve } from 'node:path'
import { SeerError } from '../errors.ts'
import type { RunsAnswer } from '../page/wire.ts'
import type { Access } from './access.ts'
import { act, isAction } from './actions.ts'
import { sendArtifact } from './artifact.ts'
import type { BuiltFiles } from './built-files.ts'
import { streamEvents } from './event-stream.ts'
import { findRun } from './find-run.ts'
import { IMMUTABLE, send, sendJson } from './respond.ts'
import { openRunList } from './run-list.ts'
import { NO_KEY, sendPage } from './send-page.ts'

interface RoutesOptions {
  readonly outputDir: string
  readonly files: BuiltFiles
  readonly access: Access
  /** Ends the streams. */
  readonly signal: AbortSignal
}

export interface Routes {
  /** Throws what is to be told instead of an answer. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  readonly watched: boolean
}

const MAX_STREAMS = 64
/** An open page asks for the list of runs more often than this. */
const WATCHED_MS = 5000

export function openRoutes({ outputDir, files, access, signal }: RoutesOptions): Routes {
  const runs = openRunList(outputDir)
  let streams = 0
  let askedAt = -Infinity

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request
    const isGet = method === 'GET'
    if (!isGet && method !== 'POST') throw new SeerError('viewer-method', { message: 'GET and POST only.' })
    const { path, query } = parseAddress(url)
    if (isGet && url.split('?')[0] === '/') return sendPage(request, response, { access, query, index: files.index })
    if (!access.hasCookie(request)) throw new SeerError('viewer-token', NO_KEY)

    const [top, list, id, what, detail, ...more] = path
    if (isGet && top === 'assets') return sendAsset(response, `/${path.join('/')}`)
    if (top !== 'api' || list !== 'runs' || more.length > 0) throw unknown()
    askedAt = performance.now()
    if (id === undefined) {
      if (!isGet) throw unknown()
      const lines: RunsAnswer = { runs: await runs.read(), outputDir: resolve(outputDir) }
      return sendJson(response, 200, lines)
    }
    const folder = await findRun(outputDir, id)
    if (isGet && what === 'events' && detail === undefined) return stream(request, response, folder, query)
    if (isGet && what === 'artifacts' && detail !== undefined)
      return sendArtifact(response, folder, { sha256: detail, name: query.get('name') })
    if (!isGet && isAction(what) && detail === undefined) {
      await act(folder, what, request)
      return sendJson(response, 200, { ok: true })
    }
    throw unknown()
  }

  function sendAsset(response: ServerResponse, path: string): void {
    const file = files.assets.get(path)
    if (!file) throw unknown()
    send(response, 200, file.bytes, { ...IMMUTABLE, 'Content-Type': file.type })
  }

  async function stream(
    request: IncomingMessage,
    response: ServerResponse,
    folder: string,
    query: URLSearchParams,
  ): Promise<void> {
    if (streams >= MAX_STREAMS)
      throw new SeerError('viewer-busy', { message: 'The page is open too often: close some of its tabs.' })
    streams += 1
    try {
      await streamEvents(request, response, { folder, from: query.get('from'), signal })
    } finally {
      streams -= 1
      askedAt = performance.now()
    }
  }

  return {
    answer,
    get watched() {
      return streams > 0 || performance.now() - askedAt < WATCHED_MS
    },
  }
}

/** The path in parts. A part may hold any sign, a slash too: it is looked up, and never joined to a path. */
function parseAddress(url: string): { path: string[]; query: URLSearchParams } {
  const [path = '', ...query] = url.split('?')
  try {
    return { path: path.split('/').slice(1).map(decodeURIComponent), query: new URLSearchParams(query.join('?')) }
  } catch {
    throw new SeerError('viewer-request', { message: 'This address cannot be read.' })
  }
}

function unknown(): SeerError {
  return new SeerError('viewer-unknown', { message: 'There is nothing here.' })
}
