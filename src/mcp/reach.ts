/** How other commands of this user find the servers of a live run, so that `seer mcp` needs to be told nothing. */
import { z } from 'zod'
import { describeError } from '../errors.ts'
import { openLiveFile, readLiveFiles, type LiveFile } from '../run/live-file.ts'
import type { Run } from '../run/run.ts'

const KIND = 'mcp'
const LOOPBACK = /^http:\/\/127\.0\.0\.1:\d+\/mcp\/[0-9a-f]+$/

/** Who comes in: each has a token of its own, and is given something else. */
export const ROLES = ['second-author', 'observer', 'own-kernel', 'person'] as const
export type Role = (typeof ROLES)[number]

const serverSchema = z.object({
  name: z.string(),
  /** `agent`: an agent is waited for. `session`: the tools of a session. */
  kind: z.enum(['agent', 'session']),
  session: z.string().optional(),
  url: z.string().regex(LOOPBACK),
  tokens: z.partialRecord(z.enum(ROLES), z.string()),
  instructions: z.string().optional(),
})
export type ReachedServer = z.infer<typeof serverSchema>

const liveSchema = z.object({
  run: z.string(),
  folder: z.string(),
  startedAt: z.number(),
  writer: z.object({ pid: z.int() }),
  servers: z.array(serverSchema).min(1),
})
export type LiveRun = z.infer<typeof liveSchema>

/** Runs of this user that go on and can be reached, the newest first. */
export function liveRuns(env: NodeJS.ProcessEnv = process.env): LiveRun[] {
  return readLiveFiles(KIND, liveSchema, env).sort((a, b) => b.startedAt - a.startedAt)
}

interface Reach {
  readonly file: LiveFile
  readonly startedAt: number
  readonly servers: Set<ReachedServer>
}
const reaches = new Map<Run, Reach>()

/** Until it is taken back. A run that cannot be reached is still a run. */
export function announce(run: Run, server: ReachedServer): () => void {
  const write = ({ file, servers, startedAt }: Reach) =>
    file.write({ run: run.id, folder: run.folder, startedAt, servers: [...servers] })
  try {
    const reach = reaches.get(run) ?? { file: openLiveFile(KIND), startedAt: Date.now(), servers: new Set() }
    reaches.set(run, reach)
    reach.servers.add(server)
    write(reach)
    return () => {
      reach.servers.delete(server)
      try {
        if (reach.servers.size > 0) return write(reach)
      } catch {
        // What cannot be written any more must not tell of what is gone.
      }
      reach.file.remove()
      reaches.delete(run)
    }
  } catch (error) {
    tellUnreachable(run, error)
    return () => undefined
  }
}

const told = new WeakSet<Run>()

function tellUnreachable(run: Run, problem: unknown): void {
  if (told.has(run)) return
  told.add(run)
  const text = `\`seer mcp\` and \`seer attach\` cannot find this run. ${describeError(problem)}`
  run.emit({ type: 'notice-add', by: 'system', level: 'warning', code: 'mcp-unreachable', text })
}
