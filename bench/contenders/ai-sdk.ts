/** `streamText` of the AI SDK, on the same provider package that Seer uses. It keeps no log. */
import { z } from 'zod'
import { importPeer } from '../peers/installed.ts'
import { TOOL_DESCRIPTION, type Contender } from './contender.ts'

interface Ai {
  streamText(options: object): { fullStream: AsyncIterable<{ type: string; error?: unknown }>; text: Promise<string> }
  tool(definition: object): object
  isStepCount(count: number): unknown
}
interface Anthropic {
  createAnthropic(options: { baseURL: string; apiKey: string }): (model: string) => unknown
}

export const contender: Contender = {
  async prepare(task) {
    const ai = await importPeer<Ai>('ai')
    const anthropic = await importPeer<Anthropic>('@ai-sdk/anthropic')
    const model = anthropic.createAnthropic({ baseURL: `${task.baseUrl}/v1`, apiKey: task.apiKey })(task.model)
    const bump = ai.tool({
      description: TOOL_DESCRIPTION,
      inputSchema: z.object({ n: z.int() }),
      execute: ({ n }: { n: number }) => Promise.resolve(task.bump(n)),
    })
    return async () => {
      const { system: instructions, prompt } = task
      const stopWhen = ai.isStepCount(task.maxTurns)
      const result = ai.streamText({ model, instructions, prompt, tools: { bump }, stopWhen })
      for await (const part of result.fullStream) if (part.type === 'error') throw part.error
      return result.text
    }
  },
}
