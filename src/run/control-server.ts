/**
 * The writer's end of the control socket. It keeps no process alive, and whatever is sent to it, the run goes on.
 *
 * The socket lies apart from the run, since its path must be short; the run's lock says where. Its name is new each time, so an
 * old one is never in the way; those that nobody listens on any more are removed by the next run.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { describeError, SeerError } from '../errors.ts'
import { MAX_LINE_BYTES, requestSchema, type ControlAnswer, type ControlRequest } from './control-protocol.ts'
import type { Steering } from './control-steering.ts'
import type { Offered } from './offered.ts'
import { socketPath } from './socket-path.ts'

const MAX_CLIENTS = 64
/** Between the making of a socket and the first moment in which it can be connected to lies less than this. */
const STALE_AFTER_MS = 10_000
/** For answers that are still on their way when the run ends. */
const FAREWELL_MS = 1000

/** Where the next run of this process listens. Throws a SeerError where no safe and short enough place can be had. */
export function newControlPath(): string {
  return socketPath(['control', `${randomBytes(6).toString('hex')}.sock`])
}

/** What can be asked of a run. */
export interface Controlled {
  readonly steering: Steering
  readonly jupyter: Pick<Offered, 'open'>
}

/** Listens until closed. What keeps it from listening is told, not thrown. */
export function listenForControl(path: string, run: Controlled, onProblem: (error: Error) => void): () => void {
  const clients = new Set<Socket>()
  const server = createServer((socket) => {
    clients.add(socket)
    socket.unref().once('close', () => clients.delete(socket))
    serve(socket, run)
  })
  server.maxConnections = MAX_CLIENTS
  server.on('error', onProblem)
  server.listen(path).unref()
  // Closed to others by its folder already; a socket is made with the rights that the umask leaves.
  if (server.listening) attempt(() => chmodSync(path, 0o600), onProblem)
  removeStale(dirname(path))
  return () => {
    // Which also removes the socket's file, before it returns.
    server.close()
    for (const socket of clients) {
      socket.destroySoon()
      setTimeout(() => socket.destroy(), FAREWELL_MS).unref()
    }
  }
}

function serve(socket: Socket, run: Controlled): void {
  // A client that does not read its answers is not read from either.
  pipeline(
    socket,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const line of linesOf(chunks)) {
        yield `${JSON.stringify(line === undefined ? TOO_LONG : await answer(line, run))}\n`
      }
    },
    socket,
  ).catch(() => socket.destroy())
}

/** Undefined for a line that is longer than any request: it is not kept. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string | undefined> {
  let parts: Buffer[] = []
  let size = 0
  const take = (part: Buffer) => {
    size += part.length
    if (size <= MAX_LINE_BYTES) parts.push(part)
    else parts = []
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      take(chunk.subarray(from, end))
      yield size <= MAX_LINE_BYTES ? Buffer.concat(parts).toString('utf8') : undefined
      parts = []
      size = 0
      from = end + 1
    }
    take(chunk.subarray(from))
  }
}

const idSchema = z.object({ id: requestSchema.options[0].shape.id })
const TOO_LONG = refusal(null, new SeerError('control-garbled', { message: 'The request is too long.' }))

async function answer(line: string, run: Controlled): Promise<ControlAnswer> {
  let id: ControlRequest['id'] | null = null
  try {
    const value: unknown = JSON.parse(line)
    id = idSchema.safeParse(value).data?.id ?? null
    const request = requestSchema.safeParse(value)
    if (!request.success) throw new SeerError('control-garbled', { message: z.prettifyError(request.error) })
    if (request.data.do === 'jupyter') {
      const url = await run.jupyter.open(request.data.session)
      return { id: request.data.id, ok: true, url }
    }
    perform(request.data, run.steering)
    return { id: request.data.id, ok: true }
  } catch (error) {
    return refusal(id, error)
  }
}

function perform(request: ControlRequest, steering: Steering): void {
  if (request.do === 'message') steering.message(request.text, request.from, request.agent)
  if (request.do === 'stop') steering.stop(request.from)
  if (request.do !== 'interrupt' || steering.interrupt(request.from)) return
  throw new SeerError('agent-none', { message: 'No agent is working now.', hint: 'To end the whole run, stop it.' })
}

function refusal(id: ControlRequest['id'] | null, thrown: unknown): ControlAnswer {
  if (thrown instanceof SyntaxError)
    return { id, error: { code: 'control-garbled', message: 'A request is one JSON object in a line.' } }
  if (!(thrown instanceof SeerError)) return { id, error: { code: 'unexpected', message: describeError(thrown) } }
  const { code, message, hint } = thrown
  return { id, error: { code, message, ...(hint === undefined ? {} : { hint }) } }
}

function attempt(step: () => void, onProblem: (error: Error) => void): void {
  try {
    step()
  } catch (error) {
    onProblem(error instanceof Error ? error : new Error(String(error)))
  }
}

/** A writer that was killed leaves its socket. That nobody listens is known for sure: the connection is refused. */
function removeStale(folder: string): void {
  let paths: string[] = []
  try {
    paths = readdirSync(folder).map((name) => join(folder, name))
  } catch {
    // There is none.
  }
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false })
    if (!found?.isSocket() || Date.now() - found.mtimeMs < STALE_AFTER_MS) continue
    const probe = connect(path, () => probe.destroy())
    probe.on('error', (error) => {
      if ('code' in error && error.code === 'ECONNREFUSED') rmSync(path, { force: true })
    })
  }
}
