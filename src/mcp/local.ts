/**
 * `mcpConfig` is plain JSON: servers by name, each with a url and a bearer token, for any agent that speaks MCP.
 *
 * A server of this process is recognised by its url: `runAgent` calls its tools directly. Either way a call goes through `runTool`,
 * and leaves the same events.
 */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { Run } from '../run/run.ts'
import type { Tool } from '../tools/tool.ts'
import { newToken } from './access.ts'
import { authorOf } from './author.ts'
import type { Door } from './endpoint.ts'
import { mount } from './http-server.ts'
import type { Readable } from './resources.ts'
import type { View } from './view.ts'

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
  /** The session whose cells the tools run. */
  readonly session?: string
  /** What can be read beside the tools. */
  readonly readable?: Readable
  /** For an agent from outside, before it begins. */
  readonly instructions?: string
}

export interface Published {
  readonly config: McpConfig
  /** Ends what clients are doing, and is not there for anyone from now on. Idempotent. */
  readonly withdraw: () => void
}

const servers = new Map<string, LocalServer>()

/** Serves it on loopback, to whoever has its token, until it is withdrawn or its run ends. */
export async function publish(name: string, server: LocalServer): Promise<Published> {
  // Most of a process's life needs nothing of it, and it is slow to load.
  const { openEndpoint } = await import('./endpoint.ts')
  const token = newToken()
  const view = viewOf(server)
  const agent: Door = { token, enter: () => Promise.resolve({ view, leave: () => undefined }) }
  const endpoint = openEndpoint([agent])
  const { url, unmount } = await mount(endpoint.answer)
  servers.set(url, server)
  const end = async () => {
    forget()
    servers.delete(url)
    unmount()
    await endpoint.close()
  }
  const forget = server.run.beforeEnd(end)
  const headers = { Authorization: `Bearer ${token}` }
  return { config: { mcpServers: { [name]: { type: 'http', url, headers } } }, withdraw: () => void end() }
}

function viewOf({ run, tools, session, readable, instructions }: LocalServer): View {
  const own = () => run.summary.agents.map(({ name }) => name)
  return { run, tools, session, readable, instructions, authorOf: (client) => authorOf(client, own()) }
}

/** The servers of a config, all of this process. Throws for one that is not, or no longer is. */
export function localServers(config: McpConfig): LocalServer[] {
  return Object.entries(config.mcpServers).map(([name, { url }]) => {
    const server = servers.get(url)
    if (server) return server
    throw new SeerError('mcp-server-unknown', {
      message: `The MCP server "${name}" is not one of this process.`,
      hint: 'Use the mcpConfig of a session that has not been terminated. Other MCP servers cannot be used yet.',
    })
  })
}
