/**
 * The profile for `sandbox-exec` on macOS: everything is refused but what is named. Pure, and never yet run on a Mac: nothing uses it,
 * and on macOS Seer asks for `--unconfined`. There are no namespaces there: the list of processes and their arguments stay visible.
 */
export interface SeatbeltRequest {
  /** Folders and files that may be read. */
  readonly readOnly: readonly string[]
  /** Folders that may be read and written. */
  readonly writable: readonly string[]
}

/** Programs and libraries of the system itself. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/System',
  '/Library/Apple',
  '/private/var/db/timezone',
  '/private/etc/localtime',
]
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom', '/dev/tty']

export function seatbeltProfile({ readOnly, writable }: SeatbeltRequest): string {
  const paths = (kind: 'subpath' | 'literal', list: readonly string[]) =>
    list.map((path) => `  (${kind} ${quote(path)})`).join('\n')
  return `(version 1)
(deny default)
(allow process-fork)
(allow process-exec)
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read*
  (literal "/")
${paths('subpath', [...SYSTEM, ...readOnly, ...writable])})
(allow file-write*
${paths('subpath', writable)})
(allow file-read* file-write-data
${paths('literal', DEVICES)})
(allow network* (local unix-socket) (remote unix-socket))
(deny network* (remote ip))
`
}

/** As a Scheme string. Seatbelt has no other escapes. */
function quote(path: string): string {
  if (/[\0\n\r]/.test(path)) throw new Error('a path with a line break cannot stand in a profile')
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
