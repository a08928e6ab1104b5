/** `seer mcp`: an agent of any kind, which starts this, works in a live run. */
import { runBridge } from '../mcp/bridge/bridge.ts'
import type { Role } from '../mcp/reach.ts'

export interface McpOptions {
  as: Exclude<Role, 'person'>
  session?: string
}

export async function mcpCommand(run: string | undefined, { as: role, session }: McpOptions): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())
  await runBridge({ wanted: { run, role, session }, signal: stop.signal })
  // What the client has left unread keeps nobody.
  process.exit()
}
