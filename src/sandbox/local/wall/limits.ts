/** How much a sandbox may take of this machine. Pure; what holds it to that is chosen in `cgroups.ts` and here. */
export interface MachineFacts {
  readonly memoryBytes: number
  readonly cores: number
  readonly freeDiskBytes: number
  /** Of the system: `6.1.0-18-amd64`. */
  readonly kernelRelease: string
}

export interface Limits {
  readonly memoryBytes: number
  readonly processes: number
  readonly diskBytes: number
  /** Of /tmp and of /dev/shm, each. They are memory. */
  readonly tmpBytes: number
}

/** Who holds a sandbox to a limit. `watched`: the host looks now and then, and ends what is over. */
export interface LimitFact {
  readonly how: 'enforced' | 'watched' | 'none'
  readonly by: string
  readonly limit: number
}
export type LimitFacts = Readonly<Record<'memory' | 'processes' | 'disk', LimitFact>>

const GIB = 1024 ** 3

/** Leaves the machine enough to go on with, whatever the agent's code does. */
export function limitsFor({ memoryBytes, cores, freeDiskBytes }: MachineFacts): Limits {
  const memory = Math.max(GIB, memoryBytes - Math.max(GIB, Math.round(memoryBytes / 10)))
  return {
    memoryBytes: memory,
    processes: Math.max(1024, 64 * cores),
    diskBytes: Math.max(GIB, Math.round(freeDiskBytes / 2)),
    tmpBytes: Math.min(4 * GIB, Math.round(memory / 4)),
  }
}

export interface HeldBy {
  /** Names of what was found to work, such as `cgroup v1`. */
  readonly memory?: string
  readonly processes?: string
}

/** What of the limits cgroups do not hold is held by the limits of single processes, or watched. */
export function holdLimits(limits: Limits, facts: Pick<MachineFacts, 'kernelRelease'>, held: HeldBy) {
  const countsPerSandbox = hasNamespacedCounts(facts.kernelRelease)
  const told: LimitFacts = {
    memory:
      held.memory === undefined
        ? { how: 'watched', by: 'the host, each second; each process alone by RLIMIT_DATA', limit: limits.memoryBytes }
        : { how: 'enforced', by: held.memory, limit: limits.memoryBytes },
    processes:
      held.processes !== undefined
        ? { how: 'enforced', by: held.processes, limit: limits.processes }
        : countsPerSandbox
          ? { how: 'enforced', by: 'RLIMIT_NPROC', limit: limits.processes }
          : { how: 'none', by: 'RLIMIT_NPROC counts all of the user’s before Linux 5.14', limit: limits.processes },
    disk: { how: 'watched', by: 'the host; each file alone by RLIMIT_FSIZE', limit: limits.diskBytes },
  }
  return {
    told,
    wall: {
      memoryBytes: limits.memoryBytes,
      dataBytes: held.memory === undefined ? limits.memoryBytes : null,
      processes: countsPerSandbox ? limits.processes : null,
      diskBytes: limits.diskBytes,
      watchMemory: held.memory === undefined,
    },
  }
}

/** Since 5.14 RLIMIT_NPROC counts within a user namespace, and each sandbox has one. */
function hasNamespacedCounts(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  return major > 5 || (major === 5 && minor >= 14)
}
