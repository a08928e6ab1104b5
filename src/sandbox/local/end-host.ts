import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { isProcessAlive } from '../../run/process-identity.ts'
import type { Layout } from '../backend.ts'

const hostFileSchema = z.object({ pid: z.int().positive(), startTime: z.string() })
/** Ending a host includes ending its kernels, and writing down what they had still to say. */
const ASK_MS = 15_000

/** The host process of a sandbox on this machine, if it still runs. A reused pid is told apart by its start time. */
export async function livingHost(layout: Pick<Layout, 'stateDir'>): Promise<number | undefined> {
  const text = await readFile(join(layout.stateDir, 'host.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const host = hostFileSchema.safeParse(parse(text))
  return host.success && isProcessAlive(host.data.pid, host.data.startTime) ? host.data.pid : undefined
}

/** Ends a host and all that it started: asks first, then kills; the spawner ends everything when its host is gone. */
export async function endHost(layout: Pick<Layout, 'stateDir'>): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const pid = await livingHost(layout)
    if (pid === undefined) return
    try {
      process.kill(pid, signal)
    } catch {
      return // It has ended since.
    }
    const until = performance.now() + ASK_MS
    while (performance.now() < until && (await livingHost(layout)) !== undefined) await sleep(25)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
