/**
 * The `recorded` provider: says the recorded words and makes the recorded calls for real, so that every number is fresh.
 *
 * It refuses to play for anything but what the words were written for, and its `agent-start` says who wrote them and when.
 */
import { SeerError } from '../errors.ts'
import { runTool, toolsVersion } from '../tools/tool.ts'
import type { AgentContext, AgentEnd, AgentRequest } from './agent.ts'
import { withAgentEvents } from './agent-events.ts'
import type { CheckedProvider } from './claude.ts'
import { difference } from './trajectory-difference.ts'
import { sha256Of, type MadeFor, type Trajectory } from './trajectory.ts'

export function recordedProvider(trajectory: Trajectory, now: MadeFor): CheckedProvider {
  const { answeredBy } = trajectory
  return {
    name: 'recorded',
    model: answeredBy.model,
    check: () => refuseStale(trajectory, now),
    run(request, context) {
      // What is asked now counts, whatever was said at the start.
      const { prompt, userMessage, tools } = request
      refuseStale(trajectory, {
        ...now,
        prompt,
        promptSha256: sha256Of(prompt),
        userMessage,
        toolsVersion: toolsVersion(tools),
      })
      const answerer = { provider: 'recorded', model: answeredBy.model, recorded: answeredBy }
      return withAgentEvents(answerer, request, context, () => play(trajectory, request, context))
    },
  }
}

function refuseStale(trajectory: Trajectory, now: MadeFor): void {
  const differences = difference(trajectory.madeFor, now)
  if (differences.length === 0) return
  throw new SeerError('recording-stale', {
    message: [
      'The recording was made for something else (recorded → now):',
      ...differences.map((text) => `  - ${text}`),
    ].join('\n'),
    hint: 'Run it live with --provider claude, or make a new recording with --provider claude --record.',
  })
}

async function play(trajectory: Trajectory, request: AgentRequest, context: AgentContext): Promise<AgentEnd> {
  const { emit, by, signal, settle } = context
  for (const [i, turn] of trajectory.turns.entries()) {
    if (i >= request.maxTurns) return { reason: 'limit', detail: `${request.maxTurns} turns` }
    // A person may be writing in its session.
    await context.turn?.(signal).catch(() => undefined)
    if (signal.aborted) return { reason: 'interrupted' }
    if (turn.text.trim() !== '') emit({ type: 'agent-message', by, role: 'assistant', text: turn.text })
    for (const call of turn.calls) {
      // A cell that was done when the words were written must be done now. An interrupt ends the wait; the call is then
      // answered as interrupted by runTool.
      await settle(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
      await runTool(request.tools, call, context)
    }
  }
  return signal.aborted ? { reason: 'interrupted' } : { ...trajectory.end }
}
