/**
 * An agent: takes a prompt and tools, and works until it is done, leaving events. A provider is where its words come from.
 */
import type { LocalServer } from '../mcp/local.ts'
import type { By, Emit } from '../run/events.ts'
import type { Tool } from '../tools/tool.ts'
import type { Purse } from './limits.ts'
import type { Inbox } from './steering.ts'

export interface AgentRequest {
  /** One word for its part in the run: `investigator`, `judge`. */
  readonly role: string
  /** The system prompt: the task as the experiment states it. Sent as it is. */
  readonly prompt: string
  /** The first user message. */
  readonly userMessage: string
  readonly tools: readonly Tool[]
  readonly maxTurns: number
  /** Output tokens of all its answers together. */
  readonly maxTokens?: number | undefined
  /** What its answers are paid from. None: as much as it takes. */
  readonly purses?: readonly Purse[] | undefined
}

export interface AgentContext {
  readonly emit: Emit
  readonly by: By
  readonly signal: AbortSignal
  readonly storeArtifact: (bytes: Uint8Array) => string
  /** Resolves when no cell is running: a played recording waits for it before the next call. */
  readonly settle: (signal: AbortSignal) => Promise<void>
  /** Resolves when nobody else writes in the session that it works in: before it goes on with its next step. */
  readonly turn?: (signal: AbortSignal) => Promise<void>
  /** Where its tools come from: for a provider whose agent comes to them. */
  readonly servers?: readonly LocalServer[]
  /** What a researcher says to it while it works. */
  readonly inbox?: Inbox
}

export interface AgentEnd {
  readonly reason: 'finished' | 'limit' | 'interrupted'
  readonly detail?: string | undefined
}

export interface Provider {
  /** As on the command line: `claude`, `recorded`. */
  readonly name: string
  /** The model as asked for; what the API names is in the `agent-usage` events. */
  readonly model: string
  /** Throws a SeerError for what the researcher must fix (key, host, stale recording). */
  run(request: AgentRequest, context: AgentContext): Promise<AgentEnd>
}
