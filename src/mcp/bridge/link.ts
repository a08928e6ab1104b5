/** The bridge's own connection to a server of a run, in the name of the client that it serves. */
import { Client, ProtocolError, SdkHttpError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { ClientInfo } from '../view.ts'
import type { Target } from './target.ts'

/** A kernel of its own is started while the client waits, and a large model takes its time. */
export const PATIENCE_MS = 24 * 60 * 60 * 1000
const FAREWELL_MS = 1500

export interface Link extends AsyncDisposable {
  readonly target: Target
  readonly client: Client
}

/** Throws where it cannot be had. */
export async function openLink(target: Target, who: ClientInfo): Promise<Link> {
  const headers = { Authorization: `Bearer ${target.token}` }
  const transport = new StreamableHTTPClientTransport(new URL(target.server.url), { requestInit: { headers } })
  // The protocol of 2025: the run must know when its client has left.
  const client = new Client({ name: who.name || 'outside', version: who.version })
  await client.connect(transport, { timeout: PATIENCE_MS })
  return {
    target,
    client,
    async [Symbol.asyncDispose]() {
      const deadline = new Promise((resolve) => setTimeout(resolve, FAREWELL_MS).unref())
      await Promise.race([transport.terminateSession().catch(() => undefined), deadline])
      await client.close().catch(() => undefined)
    },
  }
}

/** It was not even looked at: nobody is there, or nobody who knows this connection. */
export function isUnheard(error: unknown): boolean {
  if (error instanceof SdkHttpError) return error.status === 404
  return codesOf(error).includes('ECONNREFUSED')
}

/** It was not read to its end: more than the server takes. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof SdkHttpError && error.status === 413
}

/** What the other side said, and not that it could not be asked. */
export function isAnswer(error: unknown): boolean {
  return error instanceof ProtocolError
}

function codesOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  return ['code' in error ? error.code : undefined, ...codesOf(error.cause)]
}
