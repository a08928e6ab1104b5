/** Why bubblewrap does not work on a machine, in words, and what to do about it. Pure. */
export interface NoWall {
  readonly kind: 'none'
  /** The rest of a sentence, without its end. */
  readonly reason: string
  readonly hint: string
}

export interface Attempt {
  readonly stderr: string
  readonly timedOut: boolean
}

export interface Settings {
  readonly apparmor: string | undefined
  readonly clone: string | undefined
  readonly max: string | undefined
  readonly inContainer: boolean
}

export type Failure =
  | { readonly kind: 'other-system'; readonly platform: string }
  | { readonly kind: 'other-machine'; readonly arch: string }
  | { readonly kind: 'no-program' }
  | { readonly kind: 'weak-root' }
  | { readonly kind: 'root-alone'; readonly user: number }
  | { readonly kind: 'failed'; readonly attempt: Attempt; readonly settings: Settings }

export function whyNot(failure: Failure): NoWall {
  const none = (reason: string, hint: string): NoWall => ({ kind: 'none', reason, hint })
  switch (failure.kind) {
    case 'other-system':
      return none(
        failure.platform === 'darwin'
          ? 'on macOS Seer does not confine yet'
          : `Seer does not confine on ${failure.platform}`,
        'Run it on Linux, in a virtual machine for example.',
      )
    case 'other-machine':
      return none(`there is no filter of system calls for ${failure.arch} yet`, 'Run it on x86_64 or arm64.')
    case 'no-program':
      return none('bubblewrap is not installed', 'Install it (apt install bubblewrap, or your system’s like).')
    case 'weak-root':
      return none(
        'root may not mount here (CAP_SYS_ADMIN is missing), as in most containers',
        'Run Seer as an ordinary user, or start the container with --cap-add SYS_ADMIN.',
      )
    case 'root-alone':
      return none(
        `root’s sandboxes run as user ${failure.user}, and there is no such user in this user namespace (/proc/self/uid_map), as under \`unshare -r\``,
        'Run Seer as an ordinary user outside of that namespace, or give the namespace 65536 users and groups, as rootless containers have them.',
      )
    case 'failed':
      return ofAttempt(failure.attempt, failure.settings)
  }
}

function ofAttempt({ stderr, timedOut }: Attempt, settings: Settings): NoWall {
  const none = (reason: string, hint: string): NoWall => ({ kind: 'none', reason, hint })
  const said = stderr === '' ? '' : ` (${stderr.split('\n').at(-1)})`
  if (timedOut)
    return none('bubblewrap did not come to an end', 'Try `bwrap --unshare-all --ro-bind / / true` by hand.')
  if (/unknown option/i.test(stderr))
    return none(`this bubblewrap is too old${said}`, 'Install bubblewrap 0.8.0 or newer.')
  if (/proc/.test(stderr) && /mount/i.test(stderr))
    return none(
      `a new /proc cannot be mounted here${said}, as in containers that mask parts of /proc`,
      'Start the container with --security-opt systempaths=unconfined, or run Seer outside of it.',
    )
  if (settings.max === '0')
    return none(
      'user namespaces are switched off (user.max_user_namespaces is 0)',
      'sudo sysctl -w user.max_user_namespaces=10000, or ask whoever runs this machine.',
    )
  if (settings.clone === '0')
    return none(
      'ordinary users may not make user namespaces (kernel.unprivileged_userns_clone is 0)',
      'sudo sysctl -w kernel.unprivileged_userns_clone=1, or ask whoever runs this machine.',
    )
  if (settings.apparmor === '1' && /permission denied|not permitted/i.test(stderr))
    return none(
      `AppArmor keeps bubblewrap from using user namespaces${said}, as on Ubuntu 24.04 and later`,
      'Give /usr/bin/bwrap a profile that allows `userns` (docs/confinement.md has one), or sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.',
    )
  if (settings.inContainer && /not permitted|permission denied/i.test(stderr))
    return none(
      `this container does not let bubblewrap make namespaces${said}`,
      'Start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined, or run Seer outside of it.',
    )
  return none(`bubblewrap does not work here${said}`, 'Try `bwrap --unshare-all --ro-bind / / true` by hand.')
}
