/**
 * `seer mcp`: between a client that started this process, on stdin and stdout, and a run of another process, over HTTP on loopback.
 *
 * The client stays when the run ends: it is told so, and the next run that begins is connected.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
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
  const handle = serveStdio(async () => {
    await prepared()
    const server = bridgeServer({ upstream, problem, prepared })
    servers.add(server)
    return server
  })
  const left = [once(process.stdin, 'end'), once(process.stdin, 'close'), once(process.stdout, 'error')]
  await Promise.race([...left.map((one) => one.catch(() => undefined)), aborted(signal)])
  await handle.close()
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
