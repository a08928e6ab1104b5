/** Runs the planned cells of a session in a fresh kernel. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sandbox } from '../../environment/sandbox.ts'
import { SeerError } from '../../errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { untilAborted } from '../../until-aborted.ts'
import type { Pair } from './compare.ts'
import type { PlannedCell, SessionPlan } from './plan.ts'

export interface Player {
  readonly kernel: Kernel
  readonly setUp: () => Promise<void>
}

export interface PlayOptions {
  /** Restarts the kernel where the run had restarted it. */
  readonly restarts: boolean
  readonly signal: AbortSignal
  readonly onCell: (told: { cell: string; fresh: string; status: string; durationMs: number }) => void
}

/** By the researcher: it is they who have the cells run again. A cell that does not end in time is interrupted. */
export async function playSession(
  plan: SessionPlan,
  sandbox: Sandbox,
  { kernel, setUp }: Player,
  { restarts, signal, onCell }: PlayOptions,
): Promise<Pair[]> {
  const pairs: Pair[] = []
  let generation = plan.cells[0]?.generation ?? 1
  let stopped: string | undefined
  for (const planned of plan.cells) {
    const { cell, code } = planned
    if (restarts && planned.generation > generation) {
      await kernel.start(signal)
      await setUp()
      generation = planned.generation
      stopped = undefined
    }
    if (stopped !== undefined) {
      pairs.push({ cell, fresh: undefined, why: stopped })
      continue
    }
    for (const { path, text } of planned.files) await sandbox.writeFile(path, text)
    const started = await kernel.execute(code, { by: 'researcher', replays: cell })
    const end = await endOf(kernel, planned, started.ended, signal)
    pairs.push({ cell, fresh: started.cell })
    if (end === undefined) stopped = `not run: ${cell} before it did not end, and could not be interrupted`
    else {
      onCell({ cell, fresh: started.cell, status: end.status, durationMs: end.durationMs })
      if (end.status === 'died') stopped = `not run: the kernel died in ${cell} before it`
    }
  }
  return pairs
}

/** Undefined: it goes on, whatever is done. */
async function endOf(
  kernel: Kernel,
  { limitMs }: PlannedCell,
  ended: ReturnType<Kernel['ended']>,
  signal: AbortSignal,
) {
  if (!ended) throw new SeerError('replay-failed', { message: 'A cell has no end.' })
  const timer = new AbortController()
  try {
    const inTime = await untilAborted(
      Promise.race([ended, sleep(limitMs, undefined, { signal: timer.signal, ref: false })]),
      signal,
    )
    if (inTime) return inTime
    return (await kernel.interrupt('system')) ? await untilAborted(ended, signal) : undefined
  } catch (error) {
    if (signal.aborted) await Promise.race([kernel.interrupt('system').catch(() => false), sleep(2000)])
    throw error
  } finally {
    timer.abort()
  }
}
