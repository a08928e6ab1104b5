/**
 * The `outside` provider: an agent that Seer does not run. It connects over MCP, is given the task and the tools, and works until it
 * leaves.
 */
import { SeerError } from '../errors.ts'
import { openAgentPlace } from '../mcp/await-agent.ts'
import type { ClientInfo, View } from '../mcp/view.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import type { Run } from '../run/run.ts'
import { showWaiting } from '../status-line.ts'
import { untilAborted } from '../until-aborted.ts'
import type { AgentContext, AgentEnd, AgentRequest, Provider } from './agent.ts'
import { withAgentEvents } from './agent-events.ts'

export interface OutsideOptions {
  /** Told once an agent can come. */
  readonly onWait?: (run: Run) => void
  /** Aborted when whoever was to bring the agent has gone. */
  readonly gone?: AbortSignal
}

const MAX_NAME = 100

export function outsideProvider({ onWait, gone }: OutsideOptions = {}): Provider {
  return {
    name: 'outside',
    model: 'outside',
    async run(request, context) {
      const view = viewOf(request, context)
      await using place = await openAgentPlace(request.role, view)
      onWait?.(view.run)
      const client = await arrival(place.arrived, context.signal, gone)
      if (!client) return { reason: 'interrupted', detail: 'before an agent came' }
      return await withAgentEvents({ provider: 'outside', model: nameOf(client) }, request, context, async () => {
        await untilAborted(place.left, context.signal).catch(() => undefined)
        return context.signal.aborted ? { reason: 'interrupted' } : endOf(view.run)
      })
    },
  }
}

async function arrival(
  arrived: (signal: AbortSignal) => Promise<ClientInfo>,
  signal: AbortSignal,
  gone: AbortSignal | undefined,
): Promise<ClientInfo | undefined> {
  using _ = showWaiting('waiting for an agent')
  try {
    return await arrived(gone ? AbortSignal.any([signal, gone]) : signal)
  } catch (error) {
    if (signal.aborted) return undefined
    if (!gone?.aborted) throw error
    throw new SeerError('agent-absent', {
      message: 'The agent that was to come from outside has left before it was connected.',
      hint: 'Whatever started `seer mcp` has ended it, maybe because preparing took too long. What was prepared is kept: try again.',
    })
  }
}

function viewOf(request: AgentRequest, context: AgentContext): View {
  const { prompt, userMessage, tools, role } = request
  const [server] = context.servers ?? []
  if (!server)
    throw new SeerError('agent-without-tools', {
      message: `The agent "${role}" is to come from outside, and has no tools.`,
      hint: 'Hand runAgent a session’s mcpConfig.',
    })
  const { session, readable } = server
  return {
    run: server.run,
    tools,
    session,
    readable,
    instructions: instructionsOf(request),
    task: `${prompt}\n\n${userMessage}`,
    authorOf: () => context.by,
    asides: () => heard(request, context),
  }
}

/** First where the whole of it is: some clients tell their model no more than the beginning. */
function instructionsOf({ prompt, userMessage, tools }: AgentRequest): string {
  const isAsked = tools.some(({ name }) => name === 'submit_finding')
  const end = isAsked ? ' When you are done, call `submit_finding`, once.' : ''
  return `You are the agent of an experiment. What follows is your task; it is also the resource seer://task.md and the prompt \`task\`.${end}\n\n${prompt}\n\n${userMessage}`
}

/** What was said to it meanwhile stands with what its call gave: there is no other moment to say it. */
function heard({ role }: AgentRequest, { inbox, emit }: AgentContext): string[] {
  const said = [
    ...(inbox?.take() ?? []).map((text) => ({ by: 'researcher' as const, text })),
    ...(inbox?.takeNotices?.() ?? []).map((text) => ({ by: 'system' as const, text })),
  ]
  for (const { by, text } of said) emit({ type: 'agent-message', by, agent: role, role: 'user', text })
  return said.map(({ by, text }) => `${by === 'researcher' ? 'The researcher says to you' : 'Seer says'}: ${text}`)
}

function endOf({ summary }: Run): AgentEnd {
  return { reason: 'finished', ...(summary.findings === 0 ? { detail: 'it left without a finding' } : {}) }
}

/** It has chosen it itself. */
function nameOf({ name, version }: ClientInfo): string {
  const text = neutralise(`${name} ${version}`).replaceAll(/\s+/g, ' ').trim()
  return text.slice(0, MAX_NAME).toWellFormed() || 'an agent without a name'
}
