/**
 * `mcpConfig` is plain JSON: servers by name, each with a url and a bearer token. A server of this process is recognised by its
 * url, and its tools are then called directly.
 *
 * Sessions are not yet served over HTTP: until they are, an `mcpConfig` works with `runAgent` of the process that made it.
 */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { Run } from '../run/run.ts'
import type { Tool } from '../tools/tool.ts'

export const mcpConfigSchema = z.strictObject({
  mcpServers: z.record(
    z.string(),
    z.strictObject({ type: z.literal('http'), url: z.string(), headers: z.record(z.string(), z.string()).optional() }),
  ),
})
export type McpConfig = z.infer<typeof mcpConfigSchema>

/** What stands behind a url of this process. */
export interface LocalServer {
  /** Where what the tools do is written. */
  readonly run: Run
  readonly tools: readonly Tool[]
  /** Resolves when nothing that was started through the tools is running. */
  readonly settle: (signal: AbortSignal) => Promise<void>
}

const servers = new Map<string, LocalServer>()

export function publish(name: string, server: LocalServer): { config: McpConfig; withdraw: () => void } {
  const url = `seer-local://${randomBytes(12).toString('hex')}/${name}`
  servers.set(url, server)
  return { config: { mcpServers: { [name]: { type: 'http', url } } }, withdraw: () => void servers.delete(url) }
}

/** The servers of a config, all of this process. Throws for one that is not, or no longer is, and for two tools of one name. */
export function localServers(config: McpConfig): LocalServer[] {
  const found = serversOf(config)
  const names = found.flatMap(({ tools }) => tools.map(({ name }) => name))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice === undefined) return found
  throw new SeerError('tool-name', {
    message: `Two of the tools are named "${twice}", and an agent could not tell them apart.`,
    hint: 'Rename a function of the interface, or hand over fewer servers.',
  })
}

function serversOf(config: McpConfig): LocalServer[] {
  return Object.entries(config.mcpServers).map(([name, { url }]) => {
    const server = servers.get(url)
    if (server) return server
    throw new SeerError('mcp-server-unknown', {
      message: `The MCP server "${name}" is not one of this process.`,
      hint: 'Use the mcpConfig of a session that has not been terminated. Other MCP servers cannot be used yet.',
    })
  })
}
