/** `seer mcp`: an agent of any kind, whose client starts this, works in a live run. */
import { SeerError } from '../errors.ts'
import { runBridge } from '../mcp/bridge/bridge.ts'
import type { Role } from '../mcp/reach.ts'
import { startForAgent, type ExperimentOptions } from './start-for-agent.ts'

export interface McpOptions extends Omit<ExperimentOptions, 'experiment'> {
  as: Exclude<Role, 'person'>
  session?: string
  experiment?: string
}

/** Clients wait longer for the first answer, but not much. */
const PREPARE_MS = 25_000

export async function mcpCommand(run: string | undefined, options: McpOptions): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())
  const { experiment, as: role, session } = options
  if (experiment === undefined) {
    refuseLone(options)
    await runBridge({ wanted: { run, role, session }, signal: stop.signal })
  } else {
    if (run !== undefined || role !== 'second-author' || session !== undefined) throw ofOwn()
    const started = startForAgent({ ...options, experiment })
    const { pid, problem } = started
    try {
      await runBridge({ wanted: { role, ofProcess: pid }, prepareMs: PREPARE_MS, problem, signal: stop.signal })
    } finally {
      started.leave()
    }
  }
  // What the client has left unread keeps nobody.
  process.exit()
}

function refuseLone({ profile, subject, set, unconfined }: McpOptions): void {
  if (profile === undefined && subject === undefined && set.length === 0 && !unconfined) return
  throw new SeerError('invalid-options', {
    message: 'These options say how an experiment is started, and none is.',
    hint: 'Add --experiment, or leave them out.',
  })
}

function ofOwn(): SeerError {
  return new SeerError('invalid-options', {
    message: '--experiment starts a run of its own: it cannot be told which one to join, or how.',
    hint: 'Leave out the run, --as and --session.',
  })
}
