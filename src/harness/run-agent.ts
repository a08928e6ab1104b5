/** `runAgent`: an agent on a session's tools, as an async iterable of the events that it leaves. */
import { z } from 'zod'
import { localServers, mcpConfigSchema } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import { useRun } from '../run/current.ts'
import type { RunEvent } from '../run/events.ts'
import { Run } from '../run/run.ts'
import { openScriptRun } from '../run/script-run.ts'
import type { AgentEnd, AgentRequest, Provider } from './agent.ts'
import { claudeProvider } from './claude.ts'
import { currentProvider } from './current-provider.ts'
import { renderEvents } from './render-events.ts'

const DEFAULT_USER_MESSAGE = 'Begin.'
const DEFAULT_MAX_TURNS = 100

const isProvider = (value: unknown): value is Provider => typeof value === 'object' && value !== null && 'run' in value

const optionsSchema = z.strictObject({
  /** The system prompt: the task. Sent as it is. */
  prompt: z.string().min(1),
  /** From a session: `session.mcpConfig`. */
  mcpConfig: mcpConfigSchema.default({ mcpServers: {} }),
  /** `claude`, or one of your own. Without it: what `seer run --provider` says, else `claude`. */
  provider: z.union([z.literal('claude'), z.custom<Provider>(isProvider)]).optional(),
  model: z.string().optional(),
  userMessage: z.string().default(DEFAULT_USER_MESSAGE),
  role: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .default('agent'),
  maxTurns: z.int().positive().default(DEFAULT_MAX_TURNS),
  signal: z.instanceof(AbortSignal).optional(),
  /** Without it: the run of the session that the tools come from, else the current one. */
  run: z.custom<Run>((value) => value instanceof Run, 'is not a Run').optional(),
  /** No rendering on the terminal. */
  quiet: z.boolean().default(false),
})
export type RunAgentOptions = z.input<typeof optionsSchema>

/**
 * Runs an agent until it is done. Everything that happens is in the run's log; the events are also yielded as they come.
 * Throws a SeerError for what the researcher must fix: a missing key, a recording that does not fit, a sandbox that is gone.
 */
export async function* runAgent(options: RunAgentOptions): AsyncGenerator<RunEvent, AgentEnd> {
  const parsed = parseOptions('runAgent', optionsSchema, options)
  const servers = localServers(parsed.mcpConfig)
  const use = useRun(parsed.run ?? servers[0]?.run, openScriptRun)
  const { run } = use
  const left = new AbortController()
  const signal = AbortSignal.any([left.signal, run.signal, ...(parsed.signal ? [parsed.signal] : [])])
  const events = run.events()
  const render =
    parsed.quiet || currentProvider()?.quiet
      ? undefined
      : renderEvents(process.stdout, { readBlob: (sha256) => run.artifacts.read(sha256) })
  let working: Promise<AgentEnd> | undefined
  try {
    const request = { ...parsed, tools: servers.flatMap(({ tools }) => tools) }
    const provider = await providerOf(parsed.provider, parsed.model, request)
    const settle = async (until: AbortSignal) => void (await Promise.all(servers.map((server) => server.settle(until))))
    const context = {
      emit: run.emit,
      by: `agent:${parsed.role}` as const,
      signal,
      storeArtifact: run.storeArtifact,
      settle,
    }
    working = provider.run(request, context).finally(() => events.close())
    working.catch(() => undefined)
    for await (const event of events) {
      render?.(event)
      yield event
    }
    const end = await working
    await use.release()
    return end
  } catch (error) {
    await use.release(error)
    throw error
  } finally {
    // Also when the loop that reads us was left early: the agent stops, and what it was doing is interrupted.
    left.abort(new DOMException('The loop over runAgent was left.', 'AbortError'))
    await working?.catch(() => undefined)
    events.close()
    await use.release()
  }
}

async function providerOf(
  given: 'claude' | Provider | undefined,
  model: string | undefined,
  request: AgentRequest,
): Promise<Provider> {
  if (typeof given === 'object') return given
  const choice = currentProvider()
  if (given === undefined && choice) return choice.provide(request)
  return claudeProvider(model === undefined ? {} : { model })
}
