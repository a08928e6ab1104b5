/**
 * The frame around an agent's work that every provider shares: it starts, it is told something, it ends, in the log.
 */
import { describeError } from '../errors.ts'
import type { AnsweredBy } from '../run/events.ts'
import type { AgentContext, AgentEnd, AgentRequest } from './agent.ts'

export interface Answerer {
  readonly provider: string
  readonly model: string
  readonly recorded?: AnsweredBy
  readonly pricesOf?: string
}

export async function withAgentEvents(
  answerer: Answerer,
  request: AgentRequest,
  context: AgentContext,
  work: () => Promise<AgentEnd>,
): Promise<AgentEnd> {
  const { emit, by } = context
  const tools = request.tools.map(({ name }) => name)
  emit({ type: 'agent-start', by, agent: request.role, role: request.role, prompt: request.prompt, tools, ...answerer })
  emit({ type: 'agent-message', by: 'system', agent: request.role, role: 'user', text: request.userMessage })
  try {
    const end = await work()
    emit({ type: 'agent-end', by, agent: request.role, ...end })
    return end
  } catch (error) {
    try {
      emit({ type: 'agent-end', by, agent: request.role, reason: 'failed', detail: describeError(error) })
    } catch {
      // The log itself may be what failed; the first error says more.
    }
    throw error
  }
}
