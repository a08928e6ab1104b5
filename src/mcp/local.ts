/**
 * `mcpConfig` is plain JSON: servers by name, each with a url and a bearer token, for any agent that speaks MCP.
 *
 * A server of this process is recognised by its url: `runAgent` calls its tools directly. Either way a call goes through `runTool`,
 * and leaves the same events.
 */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { Run } from '../run/run.ts'
import type { Floor } from '../tools/floor.ts'
import type { Tool } from '../tools/tool.ts'
import { newToken } from './access.ts'
import { doorsOf } from './doors.ts'
import { mount } from './http-server.ts'
import { lazyEndpoint } from './lazy-endpoint.ts'
import { announce, ROLES, type Role } from './reach.ts'
import type { Readable } from './resources.ts'

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
  /** Who works in the session now. */
  readonly floor?: Floor
  /** Opens the same with a kernel of its own, for one who comes in. */
  readonly openOwn?: () => Promise<OwnServer>
}

export interface OwnServer {
  readonly server: LocalServer
  /** Ends it, and its kernel. */
  readonly end: () => Promise<void>
}

export interface Published {
  readonly config: McpConfig
  /** Ends what clients are doing, and is not there for anyone from now on. Idempotent. */
  readonly withdraw: () => void
}

const servers = new Map<string, LocalServer>()

/** Serves it on loopback, to whoever has its token, until it is withdrawn or its run ends. */
export async function publish(name: string, server: LocalServer): Promise<Published> {
  const { run, session, instructions, openOwn } = server
  const roles = ROLES.filter((role) => role !== 'own-kernel' || openOwn !== undefined)
  const tokens = Object.fromEntries(roles.map((role) => [role, newToken()])) as Record<Role, string>
  const endpoint = lazyEndpoint(doorsOf(server, tokens))
  const { url, unmount } = await mount(endpoint.answer)
  servers.set(url, server)
  const hide = announce(run, { name, kind: 'session', session, url, tokens, instructions })
  const end = async () => {
    forget()
    hide()
    servers.delete(url)
    unmount()
    await endpoint.close()
  }
  const forget = run.beforeEnd(end)
  const headers = { Authorization: `Bearer ${tokens['second-author']}` }
  return { config: { mcpServers: { [name]: { type: 'http', url, headers } } }, withdraw: () => void end() }
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
