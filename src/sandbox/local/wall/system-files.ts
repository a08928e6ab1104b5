/** What of this machine's own system a sandbox sees: programs and libraries, and single files of /etc. */
import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Mount } from './bwrap-args.ts'

/** On most systems links into /usr. */
const BESIDE_USR = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

/** Nothing here names a user, a machine or a key. */
const SINGLE_FILES = [
  '/etc/fonts/fonts.conf', // without it, the first plot has a warning
  '/etc/ld.so.cache',
  '/etc/localtime',
  '/etc/mime.types',
  '/etc/os-release',
  '/etc/protocols',
  '/etc/services',
  '/etc/ssl/certs/ca-certificates.crt',
]
const LINKS_OF_PROGRAMS = '/etc/alternatives'

export function systemMounts(): Mount[] {
  const seen = (source: string): Mount => ({ kind: 'read-only', source, target: source, staged: false })
  return [
    seen('/usr'),
    ...BESIDE_USR.flatMap((path): Mount[] => {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found === undefined) return []
      return found.isSymbolicLink() ? [{ kind: 'link', source: readlinkSync(path), target: path }] : [seen(path)]
    }),
    ...SINGLE_FILES.filter((path) => existsSync(path)).map(seen),
    ...programLinks(),
  ]
}

/** `awk`, `cc` and others are links to links here; the folder itself is not shown. */
function programLinks(): Mount[] {
  if (!existsSync(LINKS_OF_PROGRAMS)) return []
  return readdirSync(LINKS_OF_PROGRAMS, { withFileTypes: true }).flatMap((entry): Mount[] => {
    if (!entry.isSymbolicLink() || entry.name.endsWith('.gz')) return []
    const target = join(LINKS_OF_PROGRAMS, entry.name)
    const source = readlinkSync(target)
    return source.startsWith('/usr/') ? [{ kind: 'link', source, target }] : []
  })
}

/** Files that programs expect, with nothing of this machine in them. */
export const MADE_FILES: Readonly<Record<string, string>> = {
  passwd: 'root:x:0:0::/:/usr/sbin/nologin\nseer:x:1000:1000::/workspace:/bin/sh\n',
  group: 'root:x:0:\nseer:x:1000:\n',
  hosts: '127.0.0.1 localhost seer\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}
