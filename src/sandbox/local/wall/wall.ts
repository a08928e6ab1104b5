/**
 * The wall of a local sandbox: what bubblewrap is told, and where things lie for those who are behind it. Everything here is plain
 * JSON; the host starts bubblewrap with it (`python/seer_host/wall_launch.py`) and tries it (`python/seer_spawner/probes.py`).
 */
import type { LimitFacts } from './limits.ts'

/** What a log says of a sandbox: `none` is a sandbox whose code has the rights of the user who started it. */
export type Confinement = 'bubblewrap' | 'none'

/** Places as the agent's code sees them. */
export const INSIDE = {
  workspace: '/workspace',
  libraries: '/workspace/libraries',
  environment: '/opt/environment',
  python: '/opt/environment/bin/python',
  seer: '/opt/seer',
  runtime: '/run/seer',
  model: (index: number) => `/models/m${index}`,
} as const

/** The user, and group, that the agent's code sees itself as. */
export const USER_INSIDE = 1000

/**
 * Who a sandbox is on the machine when root started it: a number that no account has and systemd leaves unused. For everyone else
 * it is themselves.
 */
export const USER_OF_ROOTS_SANDBOXES = 65521

/** As `python/seer_host/wall_plan.py` reads it. */
export interface Wall {
  readonly program: string
  readonly args: readonly string[]
  readonly stageAt: string
  /** Sources that are bound to `stageAt/0`, `stageAt/1`, … first, because the sandbox's user could not reach them. */
  readonly stage: readonly string[]
  readonly dropTo: number | null
  readonly cgroups: readonly string[]
  readonly inside: {
    readonly python: string
    readonly pythonDir: string
    readonly workspace: string
    readonly runtimeDir: string
    readonly librariesDir: string
  }
  readonly limits: {
    readonly memoryBytes: number | null
    readonly dataBytes: number | null
    readonly processes: number | null
    readonly diskBytes: number | null
    readonly watchMemory: boolean
  }
  readonly readOnly: readonly string[]
  readonly writable: readonly string[]
  readonly hidden: readonly string[]
}

/** A wall, ready to be built, with what its run's log says of it. */
export interface PreparedWall {
  readonly wall: Wall
  readonly limits: LimitFacts
}
