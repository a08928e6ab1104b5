// The Claude Agent SDK with a server of MCP, asking an API on loopback. Prints each of its messages as a line of JSON.
//
//     node claude_agent.mjs NODE_MODULES '{"server": {…}, "home": "/…", "api": "http://127.0.0.1:…"}'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [modules, given] = process.argv.slice(2)
const { server, home, api } = JSON.parse(given)
const { query } = await import(pathToFileURL(join(modules, '@anthropic-ai/claude-agent-sdk/sdk.mjs')).href)
const options = {
  tools: [],
  mcpServers: { notebook: server },
  permissionMode: 'dontAsk',
  allowedTools: ['mcp__notebook'],
  model: 'claude-sonnet-4-5',
  maxTurns: 10,
  settingSources: [],
  strictMcpConfig: true,
  cwd: home,
  env: {
    ...process.env,
    HOME: home,
    CLAUDE_CONFIG_DIR: join(home, 'claude'),
    ANTHROPIC_BASE_URL: api,
    ANTHROPIC_API_KEY: 'any',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    ENABLE_TOOL_SEARCH: 'false',
  },
}
for await (const message of query({ prompt: 'Compute.', options })) console.log(JSON.stringify(message))
