/** From what is to be seen inside to the arguments of bubblewrap. Pure. */
import { USER_INSIDE } from './wall.ts'

export type Mount =
  | {
      readonly kind: 'read-only' | 'writable'
      readonly source: string
      readonly target: string
      readonly staged: boolean
    }
  | { readonly kind: 'link'; readonly source: string; readonly target: string }
  | { readonly kind: 'memory'; readonly target: string; readonly bytes: number }
  /** A device of this machine at its own path; its own permissions say who may open it. */
  | { readonly kind: 'device'; readonly target: string }

export interface WallRequest {
  /** In this order: a later one may lie on an earlier one. */
  readonly mounts: readonly Mount[]
  readonly workingFolder: string
  readonly environment: Readonly<Record<string, string>>
  /** Where sources are bound first, by root, for a sandbox that is not root. Undefined: bubblewrap reaches them itself. */
  readonly stageAt: string | undefined
}

export interface BwrapPlan {
  readonly args: readonly string[]
  readonly stage: readonly string[]
  /** Folders of the sandbox that must be, and must not be, writable. */
  readonly writable: readonly string[]
  readonly readOnly: readonly string[]
}

/** Nothing of the machine's namespaces, no rights, no way to gain any, and nothing that outlives the host. */
const SEPARATION = [
  ['--unshare-all', '--unshare-user', '--disable-userns'],
  // Tried by bubblewrap itself, while no filter of system calls hides what it finds.
  ['--assert-userns-disabled'],
  ['--uid', String(USER_INSIDE), '--gid', String(USER_INSIDE), '--hostname', 'seer'],
  ['--cap-drop', 'ALL', '--die-with-parent', '--new-session'],
  // So the spawner is the first process: it cannot be killed from inside, and its end is the end of all others.
  ['--as-pid-1', '--clearenv'],
].flat()

export function bwrapArgs(request: WallRequest): BwrapPlan {
  const stage: string[] = []
  const reached = (mount: { source: string; staged: boolean }): string => {
    if (request.stageAt === undefined || !mount.staged) return mount.source
    stage.push(mount.source)
    return `${request.stageAt}/${stage.length - 1}`
  }
  const environment = Object.entries(request.environment).flatMap(([name, value]) => ['--setenv', name, value])
  const args = [...SEPARATION, ...environment, '--proc', '/proc', '--dev', '/dev']
  for (const mount of request.mounts) {
    if (mount.kind === 'link') args.push('--symlink', mount.source, mount.target)
    else if (mount.kind === 'device') args.push('--dev-bind', mount.target, mount.target)
    else if (mount.kind === 'memory') args.push('--size', String(mount.bytes), '--tmpfs', mount.target)
    else args.push(mount.kind === 'writable' ? '--bind' : '--ro-bind', reached(mount), mount.target)
  }
  // What bubblewrap made itself to hold the others.
  args.push('--remount-ro', '/dev', '--remount-ro', '/', '--chdir', request.workingFolder)
  const targets = (kinds: readonly Mount['kind'][]) =>
    request.mounts.flatMap(({ kind, target }) => (kinds.includes(kind) ? [target] : []))
  return {
    args,
    stage,
    writable: targets(['writable', 'memory']),
    readOnly: ['/', '/dev', ...targets(['read-only'])],
  }
}
