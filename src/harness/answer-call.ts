/** Every call of a turn gets an answer, also one that must not run and one that comes after an interrupt. */
import { z } from 'zod'
import { runTool, type Tool, type ToolResult } from '../tools/tool.ts'
import type { AgentContext } from './agent.ts'
import { parseCallInput, type ModelCall, type Turn } from './turn.ts'

export const CUT_CALL =
  'Your answer reached its token limit inside this call, so it was not run. Call again with a shorter input.'
export const BROKEN_CALL =
  'The input of this call was not a JSON object, so it was not run. Call again with valid JSON.'

export async function answerCall(
  call: ModelCall,
  turn: Turn,
  tools: readonly Tool[],
  context: AgentContext,
): Promise<ToolResult> {
  const { broken, input } = parseCallInput(call.json)
  // An answer that ran into the token limit may have lost the end of its last call, also where what is left still parses.
  const isCut =
    turn.finish.unified === 'length' && call === turn.calls.at(-1) && turn.parts.at(-1)?.type === 'tool-call'
  const why = isCut ? CUT_CALL : broken && BROKEN_CALL
  const usable = why ? tools.map((tool) => (tool.name === call.name ? refusing(tool, input, why) : tool)) : tools
  return runTool(usable, { id: call.id, name: call.name, input }, context)
}

function refusing(tool: Tool, input: object, text: string): Tool {
  const anything = z.object(Object.fromEntries(Object.keys(input).map((key) => [key, z.unknown()])))
  const result: ToolResult = { content: [{ type: 'text', text }], structured: { error: 'broken-call' }, isError: true }
  return { ...tool, input: anything, execute: () => Promise.resolve(result) }
}
