/**
 * What a sandbox's state folder says of it, for later processes: `attach`, `seer sandboxes`, `seer gc`. Closed to other users, and
 * without secrets: only their names.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { eventPayloads } from '../run/events.ts'
import { parseJson, writeOwnJsonNow } from './json-file.ts'
import { modelHandleSchema } from './models/model-handle.ts'
import { repoHandleSchema } from './repos/place-repos.ts'
import { sandboxConfigSchema } from './sandbox-config.ts'

const FILE = 'sandbox.json'

const factsSchema = z.object({
  id: z.string(),
  /** Of its host: another Seer may speak another one. */
  protocol: z.int(),
  /** The name of the machine on which it runs: others may share its disk. */
  machine: z.string(),
  /** The folder of the run that uses it, or used it last. */
  run: z.string(),
  config: sandboxConfigSchema,
  confinement: z.enum(['bubblewrap', 'none']),
  environment: z.object({ id: z.string(), lock: z.string() }),
  modelHandles: z.array(modelHandleSchema),
  repoHandles: z.array(repoHandleSchema).default([]),
  /** Names of its GPUs. */
  gpus: z.array(z.string()).default([]),
  /** The sandbox's own interpreter, as it lies on the machine. */
  python: z.string(),
  /** The same, as the code inside sees it. */
  pythonInside: z.string(),
  startedAt: z.iso.datetime(),
  /** When its timeout is over. */
  endsAt: z.iso.datetime(),
  /** How many runs have used it. Each of them names its sessions so that no other has the same. */
  uses: z.int().positive(),
  /** Null while a run uses it. */
  detached: z
    .object({
      at: z.iso.datetime(),
      until: z.iso.datetime(),
      /** Of its journal, what the logs of before have. */
      readSeq: z.int().nonnegative().default(0),
      /** Those that live on: see `sessions.json`. */
      sessions: z.array(z.string()).default([]),
    })
    .nullable(),
  /** As in the event `sandbox-start`; the limits, once there is a wall. */
  limits: eventPayloads['sandbox-start'].shape.limits,
  attach: z.record(z.string(), z.json()),
})
export type SandboxFacts = z.output<typeof factsSchema>

/** Undefined where there is none that can be read: a start that was killed half way, or an older Seer's. */
export function readSandboxFile(stateDir: string): SandboxFacts | undefined {
  try {
    return parseJson(readFileSync(join(stateDir, FILE), 'utf8'), factsSchema)
  } catch {
    return undefined
  }
}

export function writeSandboxFile(stateDir: string, facts: SandboxFacts): void {
  writeOwnJsonNow(join(stateDir, FILE), facts)
}
