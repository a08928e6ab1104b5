/** The live page's server in a test, and what asks it: single requests, and a page that follows a run. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Batch, StreamState } from '../src/page/wire.ts'
import { startViewer, type Viewer, type ViewerOptions } from '../src/viewer/server.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
  /** Without the cookie, and what a browser says of itself. */
  readonly bare?: boolean
}

export interface Asker {
  readonly viewer: Viewer
  readonly port: number
  readonly cookie: string
  ask(path: string, options?: AskOptions): Promise<Answer>
  post(path: string, body: unknown): Promise<Answer>
  /** A page that follows a run. */
  page(run: string, options?: { id?: string }): Promise<Page>
}

export function stubPage(): string {
  const page = temporaryFolder('seer-page-')
  mkdirSync(join(page, 'assets'))
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>the page</title>')
  writeFileSync(join(page, 'assets/main-1a2b.js'), '// the script')
  writeFileSync(join(page, 'report.js'), '// not to be asked for')
  return page
}

export async function startServer(outputDir: string, options: Partial<ViewerOptions> = {}): Promise<Asker> {
  const onError = (error: unknown) => {
    throw error
  }
  const viewer = await startViewer({ outputDir, page: stubPage(), port: await freePort(), onError, ...options })
  onTestFinished(() => viewer.close())
  const url = new URL(viewer.url())
  const { port, cookie, open } = await enter(url)
  const own = { origin: url.origin, 'content-type': 'application/json' }
  const ask = (path: string, { headers, bare = false, ...rest }: AskOptions = {}) =>
    send(port, path, { ...rest, headers: { ...(bare ? {} : { cookie }), ...headers } })
  return {
    viewer,
    port,
    cookie,
    ask,
    post: (path, body) => ask(path, { method: 'POST', headers: own, body: JSON.stringify(body) }),
    page: (run, { id } = {}) => open(run, id),
  }
}

/** Gives the token of an address for a cookie, as a browser does. */
export async function enter(url: URL) {
  const port = Number(url.port)
  const entered = await send(port, url.pathname + url.search, {})
  const cookie = entered.headers['set-cookie']![0]!.split(';')[0]!
  return { port, cookie, open: (run: string, id?: string) => openPage(port, run, cookie, id) }
}

/** One that the system gives out, so that tests beside this one have others. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export function send(port: number, path: string, options: AskOptions): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject).on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({ status: response.statusCode!, headers: response.headers, body: bytes, text: bytes.toString() })
      })
    })
    asked.on('error', reject).end(body)
  })
}

export interface Page {
  readonly status: number
  /** All that came, in order. */
  readonly batches: readonly Batch[]
  readonly states: readonly StreamState[]
  readonly gone: readonly string[]
  /** Of the last batch. */
  readonly id: string | undefined
  /** The connection has ended. */
  readonly ended: boolean
  readonly seqs: number[]
  readonly problems: string[]
  pause(): void
  resume(): void
  close(): void
}

async function openPage(port: number, run: string, cookie: string, id?: string): Promise<Page> {
  const headers = { cookie, ...(id === undefined ? {} : { 'last-event-id': id }) }
  const path = `/api/runs/${encodeURIComponent(run)}/events`
  const asked = request({ host: '127.0.0.1', port, path, headers, agent: false }).end()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on('error', reject).on('response', resolve)
  })
  const batches: Batch[] = []
  const states: StreamState[] = []
  const gone: string[] = []
  let lastId: string | undefined
  let ended = false
  let parts: string[] = []
  const take = (message: string) => {
    const field = (name: string) => new RegExp(`(?:^|\\n)${name}: ([^\\n]*)`).exec(message)?.[1]
    const data = field('data')
    if (data === undefined) return
    const event = field('event')
    const value: unknown = JSON.parse(data)
    if (event === 'batch') batches.push(value as Batch)
    if (event === 'state') states.push(value as StreamState)
    if (event === 'gone') gone.push((value as { why: string }).why)
    lastId = field('id') ?? lastId
  }
  response.setEncoding('utf8').on('data', (text: string) => {
    parts.push(text)
    if (!text.includes('\n\n') && !text.startsWith('\n')) return
    const messages = parts.join('').split('\n\n')
    parts = [messages.pop()!]
    for (const message of messages) take(message)
  })
  response.on('close', () => (ended = true)).on('error', () => undefined)
  asked.on('error', () => undefined)
  onTestFinished(() => void asked.destroy())
  return {
    status: response.statusCode!,
    batches,
    states,
    gone,
    get id() {
      return lastId
    },
    get ended() {
      return ended
    },
    get seqs() {
      return batches.flatMap(({ events }) => events.map(({ seq }) => seq))
    },
    get problems() {
      return batches.flatMap(({ problems }) => problems.map(({ kind }) => kind))
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void asked.destroy(),
  }
}
