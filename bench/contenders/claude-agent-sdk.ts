/** `query` of the Claude Agent SDK with its own program, which it starts anew for each query and which keeps a log under HOME. */
import { env } from 'node:process'
import { z } from 'zod'
import { importPeer } from '../peers/installed.ts'
import { TOOL_DESCRIPTION, type Contender } from './contender.ts'

interface AgentSdk {
  query(asked: { prompt: string; options: object }): AsyncIterable<{ type: string; result?: string; subtype?: string }>
  createSdkMcpServer(options: { name: string; tools: object[] }): object
  tool(
    name: string,
    description: string,
    input: object,
    handler: (input: { n: number }) => Promise<object>,
    extras: object,
  ): object
}

export const contender: Contender = {
  async prepare(task) {
    const sdk = await importPeer<AgentSdk>('@anthropic-ai/claude-agent-sdk')
    const work = (input: { n: number }) => Promise.resolve({ content: [{ type: 'text', text: task.bump(input.n) }] })
    const bump = sdk.tool('bump', TOOL_DESCRIPTION, { n: z.int() }, work, { alwaysLoad: true })
    const options = {
      model: task.model,
      systemPrompt: task.system,
      mcpServers: { bench: sdk.createSdkMcpServer({ name: 'bench', tools: [bump] }) },
      strictMcpConfig: true,
      tools: [],
      allowedTools: ['mcp__bench__bump'],
      permissionMode: 'dontAsk',
      settingSources: [],
      thinking: { type: 'disabled' },
      maxTurns: task.maxTurns,
      cwd: task.folder,
      env: {
        PATH: env['PATH'],
        HOME: env['HOME'],
        ANTHROPIC_BASE_URL: task.baseUrl,
        ANTHROPIC_API_KEY: task.apiKey,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_TELEMETRY: '1',
        DISABLE_AUTOUPDATER: '1',
      },
    }
    return async () => {
      let lastWord = ''
      for await (const message of sdk.query({ prompt: task.prompt, options }))
        if (message.type === 'result') lastWord = message.result ?? `${message.subtype}`
      return lastWord
    }
  },
}
