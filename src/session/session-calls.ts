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

/** A call is of the cell that runs. Where none does, of whoever runs a command, else of whoever ran the last cell: a thread of it lives on. */
export function openCallers(sandbox: Sandbox, kernel: Kernel): Callers {
  const commands: By[] = []
  const place = { from: 'library', sandbox: sandbox.sandboxId, session: kernel.session } as const
  return {
    now() {
      const [cell] = kernel.running
      if (cell !== undefined) return { ...place, cell, by: kernel.authorOf(cell) }
      const command = commands.at(-1)
      return { ...place, by: command ?? (kernel.latest === undefined ? 'system' : kernel.authorOf(kernel.latest)) }
    },
    async during(by, work) {
      commands.push(by)
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
