import { CLIENT_INFO_META_KEY, type Server, type ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { ClientInfo } from './view.ts'

const clientInfoSchema = z.object({ name: z.string(), version: z.string() })

/** What a client calls itself: said once in the protocol of 2025, and with each request in that of 2026. */
export function clientInfoOf(server: Server, { mcpReq }: ServerContext): ClientInfo {
  const envelope = mcpReq.envelope as Readonly<Record<string, unknown>> | undefined
  const said = envelope?.[CLIENT_INFO_META_KEY] ?? server.getClientVersion()
  return clientInfoSchema.safeParse(said).data ?? { name: '', version: '' }
}
