/** `runAgent`: an agent on a session's tools, as an async iterable of the events that it leaves. */
import { z } from 'zod'
import { localServers, mcpConfigSchema, type LocalServer } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import { useRun } from '../run/current.ts'
import type { EventQueue } from '../run/event-queue.ts'
import type { By, RunEvent } from '../run/events.ts'
import { Run } from '../run/run.ts'
import { openScriptRun } from '../run/script-run.ts'
import { untilAborted } from '../until-aborted.ts'
import type { AgentContext, AgentEnd, AgentRequest, Provider } from './agent.ts'
import { claudeProvider } from './claude.ts'
import { currentProvider } from './current-provider.ts'
import { DEFAULT_BUDGET_USD, type Purse } from './limits.ts'
import { renderEvents } from './render-events.ts'
import { openMailbox, type LiveAgent, type Mailbox } from './steering.ts'

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
  /** Output tokens of all its answers together. */
  maxTokens: z.int().positive().optional(),
  /**
   * What this agent may cost, or `'none'`. Without it: 5 USD in a plain script; under `seer run` only the budget of the run holds,
   * which is never exceeded, whatever is said here.
   */
  budgetUsd: z.union([z.number().positive(), z.literal('none')]).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  /** Without it: the run of the session that the tools come from, else the current one. */
  run: z.custom<Run>((value) => value instanceof Run, 'is not a Run').optional(),
  /** No rendering on the terminal. */
  quiet: z.boolean().default(false),
})
export type RunAgentOptions = z.input<typeof optionsSchema>

/** The events of an agent as they come; with them, its end. It starts when the first event is asked for. */
export interface AgentRun extends AsyncGenerator<RunEvent, AgentEnd, undefined>, LiveAgent {}

/**
 * Runs an agent until it is done. Everything that happens is in the run's log; the events are also yielded as they come. The model
 * is asked again only when they have been read, so what is sent in answer to one is told at once.
 * Throws a SeerError for what the researcher must fix: a missing key, a recording that does not fit, a sandbox that is gone.
 */
export function runAgent(options: RunAgentOptions): AgentRun {
  const stop = new AbortController()
  const mailbox = openMailbox(options.role ?? 'agent')
  const agent: LiveAgent = {
    interrupt: () => stop.abort(new DOMException('The agent was interrupted.', 'AbortError')),
    send: (text) => mailbox.send(text),
  }
  return Object.assign(agentEvents(options, agent, mailbox, stop.signal), agent)
}

async function* agentEvents(
  options: RunAgentOptions,
  agent: LiveAgent,
  mailbox: Mailbox,
  interrupted: AbortSignal,
): AsyncGenerator<RunEvent, AgentEnd, undefined> {
  const parsed = parseOptions('runAgent', optionsSchema, options)
  const servers = localServers(parsed.mcpConfig)
  const choice = currentProvider()
  const use = useRun(parsed.run ?? servers[0]?.run, openScriptRun)
  const { run } = use
  const left = new AbortController()
  const signal = AbortSignal.any([left.signal, interrupted, run.signal, ...(parsed.signal ? [parsed.signal] : [])])
  const events = run.events()
  let provider: Provider | undefined
  const withdraw = run.steering.add({
    ...agent,
    tell: (text) => mailbox.tell(text),
    role: parsed.role,
    isRecorded: () => provider?.name === 'recorded',
  })
  const render =
    parsed.quiet || choice?.quiet
      ? undefined
      : renderEvents(process.stdout, { folder: run.folder, readBlob: (sha256) => run.artifacts.read(sha256) })
  let working: Promise<AgentEnd> | undefined
  try {
    const tools = servers.flatMap((server) => server.tools)
    if (tools.length === 0) warnOfNoTools(run, parsed.role)
    // What is sent is what the log has.
    const { redactor } = run
    const [prompt, userMessage] = [redactor.text(parsed.prompt), redactor.text(parsed.userMessage)]
    const request = {
      ...parsed,
      prompt,
      userMessage,
      tools,
      purses: pursesOf(parsed.role, parsed.budgetUsd, choice?.budget),
    }
    provider = await providerOf(parsed.provider, parsed.model, request)
    const context = { ...contextOf(run, parsed.role, servers, signal), inbox: inboxOf(run, mailbox, events) }
    working = provider.run(request, context).finally(() => {
      withdraw()
      sayUnheard(run, parsed.role, mailbox.close())
      events.close()
    })
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
    render?.[Symbol.dispose]()
    // Also when the loop that reads us was left early: the agent stops, and what it was doing is interrupted.
    left.abort(new DOMException('The loop over runAgent was left.', 'AbortError'))
    mailbox.close()
    await working?.catch(() => undefined)
    withdraw()
    events.close()
    await use.release()
  }
}

function contextOf(run: Run, role: string, servers: readonly LocalServer[], signal: AbortSignal): AgentContext {
  const settle = async (until: AbortSignal) => void (await Promise.all(servers.map((server) => server.settle(until))))
  const by: By = `agent:${role}`
  const turn = async (until: AbortSignal) => {
    for (const { floor } of servers) await floor?.free(by, until)
  }
  return { emit: run.emit, by, signal, storeArtifact: run.storeArtifact, settle, servers, turn }
}

function inboxOf(run: Run, mailbox: Mailbox, events: EventQueue) {
  return {
    take: () => mailbox.take().map(run.redactor.text),
    takeNotices: () => mailbox.takeNotices().map(run.redactor.text),
    caughtUp: (signal: AbortSignal) => untilAborted(events.caughtUp(), signal),
  }
}

function pursesOf(role: string, budgetUsd: number | 'none' | undefined, ofRun: Purse | null | undefined): Purse[] {
  // Under `seer run`, null says that no budget was wanted.
  const own = budgetUsd ?? (ofRun === undefined ? DEFAULT_BUDGET_USD : 'none')
  const purse: Purse[] = own === 'none' ? [] : [{ name: `the budget of ${role}`, limitUsd: own, spentUsd: 0 }]
  return ofRun ? [...purse, ofRun] : purse
}

function warnOfNoTools(run: Run, role: string): void {
  const text = `The agent "${role}" has no tools, so it can do nothing but answer. Hand it a session's mcpConfig.`
  run.emit({ type: 'notice-add', by: 'system', agent: role, level: 'warning', code: 'agent-without-tools', text })
}

/** Whoever spoke to the agent must not believe that it was heard. */
function sayUnheard(run: Run, role: string, unheard: readonly string[]): void {
  try {
    for (const message of unheard) {
      const text = `The agent "${role}" ended before it was told: ${message}`
      run.emit({ type: 'notice-add', by: 'system', agent: role, level: 'warning', code: 'message-unheard', text })
    }
  } catch {
    // A log that cannot be written has said so already.
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
