/** `runAgent` on a run of its own: every event is written to its log, as always. */
import { join } from 'node:path'
import { defineTool, Run, runAgent, z } from '../../src/index.ts'
import { publish } from '../../src/mcp/local.ts'
import { TOOL_DESCRIPTION, type Contender } from './contender.ts'

export const contender: Contender = {
  async prepare(task) {
    const tool = defineTool({
      name: 'bump',
      description: TOOL_DESCRIPTION,
      input: z.object({ n: z.int() }),
      result: z.string(),
      async execute({ n }) {
        const text = task.bump(n)
        return { content: [{ type: 'text', text }], structured: text }
      },
    })
    const run = Run.create(join(task.folder, 'run'), {
      seer: 'bench',
      experiment: 'agent-loop',
      profile: null,
      params: {},
      backend: 'local',
      confinement: 'none',
      provider: 'claude',
      seed: 0,
    })
    const server = await publish('bench', { run, tools: [tool], settle: () => Promise.resolve() })
    return async () => {
      let lastWord = ''
      const { system: prompt, prompt: userMessage, model, maxTurns } = task
      const mcpConfig = server.config
      for await (const event of runAgent({ prompt, userMessage, model, maxTurns, mcpConfig, run, quiet: true })) {
        if (event.type === 'agent-message' && event.role === 'assistant') lastWord = event.text
      }
      await run.end('completed')
      return lastWord
    }
  },
}
