/** The calls of served functions that a session's code makes: taken in, and told from where they come. */
import type { Sandbox } from '../environment/sandbox.ts'
import { answerCalls } from '../interface/answer-calls.ts'
import type { Interface } from '../interface/interface.ts'
import type { Caller } from '../interface/record-call.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { By } from '../run/events.ts'

/** By this variable the client of an interface finds its way out. Kernels have it by themselves. */
const VARIABLE = 'SEER_CALLS'

export interface Callers {
  /** Who makes a call that comes in now. */
  readonly now: () => Caller
  /** While `work` goes on, calls that come in from no running cell are its caller's. */
  readonly during: <T>(by: By, work: () => Promise<T>) => Promise<T>
}

/**
 * A call is of the cell that runs. Where none does, of whoever runs a command; where nobody does, of an agent that has worked here, since
 * what it started may live on in the background.
 */
export function openCallers(sandbox: Sandbox, session: string, kernel?: Kernel): Callers {
  const commands: By[] = []
  let agent: By | undefined
  const place = { from: 'library', sandbox: sandbox.sandboxId, session } as const
  const note = (by: By): By => {
    if (by.startsWith('agent:')) agent = by
    return by
  }
  return {
    now() {
      const cell = kernel?.running[0]
      const latest = kernel?.latest
      const ofLatest = latest === undefined ? undefined : note(kernel!.authorOf(latest))
      if (cell !== undefined) return { ...place, cell, by: note(kernel!.authorOf(cell)) }
      return { ...place, by: commands.at(-1) ?? agent ?? ofLatest ?? 'system' }
    },
    async during(by, work) {
      commands.push(note(by))
      try {
        return await work()
      } finally {
        commands.splice(commands.lastIndexOf(by), 1)
      }
    },
  }
}

export interface OpenCalls {
  readonly env: Readonly<Record<string, string>>
  readonly close: () => Promise<void>
}

/** Nothing is listened to where there is nothing to call. */
export async function openCalls(
  sandbox: Sandbox,
  session: string,
  interfaces: readonly Interface[],
  { now }: Callers,
): Promise<OpenCalls> {
  if (interfaces.length === 0) return { env: {}, close: () => Promise.resolve() }
  const { path, close } = await answerCalls({ session, streams: sandbox.streams, interfaces, caller: now })
  return { env: { [VARIABLE]: path }, close }
}
