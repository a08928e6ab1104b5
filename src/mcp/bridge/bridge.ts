/**
 * `seer mcp`: between a client that started this process, on stdin and stdout, and a run of another process, over HTTP on loopback.
 *
 * The client stays when the run ends: it is told so, and the next run that begins is connected.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '@modelcontextprotocol/server'
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { SeerError } from '../../errors.ts'
import { bridgeServer } from './bridge-server.ts'
import type { Wanted } from './target.ts'
import { openUpstream } from './upstream.ts'

const LOOK_MS = 100

export interface BridgeOptions {
  readonly wanted: Wanted
  /** A run is being prepared: a client's first word, and its calls, are answered when it is there, or after so long. */
  readonly prepareMs?: number
  /** Why no run will come, once that is known. */
  readonly problem?: () => string | undefined
  /** Aborted when this is to end, whatever the client wants. */
  readonly signal: AbortSignal
}

/** Resolves when the client has left. */
export async function runBridge({
  wanted,
  prepareMs = 0,
  problem = () => undefined,
  signal,
}: BridgeOptions): Promise<void> {
  const servers = new Set<Server>()
  await using upstream = openUpstream(wanted, () => {
    for (const server of servers) void tellChange(server)
  })
  let isPreparing = prepareMs > 0
  const prepared = async () => {
    const deadline = performance.now() + prepareMs
    while (isPreparing && performance.now() < deadline && !signal.aborted) {
      isPreparing = problem() === undefined && !upstream.target()
      if (isPreparing) await sleep(LOOK_MS)
    }
    return !isPreparing
  }
  const wire = new StdioServerTransport()
  const factory = async () => {
    await prepared()
    const server = bridgeServer({ upstream, problem, prepared })
    servers.add(server)
    return server
  }
  let isTooLong = false
  const onerror = ({ message }: Error) => void (isTooLong ||= message.includes('exceeded maximum size'))
  const handle = serveStdio(factory, { transport: wire, onerror })
  const deaf = closedBy(wire)
  const left = [once(process.stdin, 'end'), once(process.stdin, 'close'), once(process.stdout, 'error')]
  const ends = [...left.map((one) => one.catch(() => undefined)), aborted(signal), deaf]
  await Promise.race(ends)
  await handle.close()
  if (isTooLong) throw tooLong()
}

/** The SDK's transport closes by itself, too: at a line that is longer than it takes, and from then on it hears nothing. */
function closedBy(wire: StdioServerTransport): Promise<void> {
  const { onclose } = wire
  return new Promise((resolve) => {
    Object.assign(wire, {
      onclose() {
        onclose?.()
        resolve()
      },
    })
  })
}

function tooLong(): SeerError {
  return new SeerError('mcp-message-too-long', {
    message: 'The client sent a message of more than 10 MiB, and can be heard no more.',
    hint: 'Start `seer mcp` again. Code and texts may have 200,000 characters; larger data goes through files.',
  })
}

async function tellChange(server: Server): Promise<void> {
  // A client that has not begun yet, or has left, is not told.
  await server.sendToolListChanged().catch(() => undefined)
  await server.sendResourceListChanged().catch(() => undefined)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
