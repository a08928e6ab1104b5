/** A virtual environment is a folder of links to a Python that lies elsewhere, often in a home. What of that must be seen inside. */
import { lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { SeerError } from '../../../errors.ts'
import type { Mount } from './bwrap-args.ts'

const MAX_LINKS = 20

/** `python` is `<environment>/bin/python`. The mounts come on those of the system, which has /usr. */
export function interpreterMounts(python: string, home = homedir()): Mount[] {
  const environment = dirname(dirname(python))
  const named = baseNamedBy(environment)
  const real = realpathSync(python)
  // A copied program lies in the environment, and only the name tells where the rest of its Python is.
  const isCopied = named !== undefined && isWithin(real, realpathSync(environment))
  const base = isCopied ? realpathSync(named) : dirname(dirname(real))
  const mounts: Mount[] = []
  if (!isWithin(base, '/usr')) {
    refuseHome(base, home)
    refuseClosed(base)
    mounts.push({ kind: 'read-only', source: base, target: base, staged: true })
  }
  refuseClosed(environment)
  const shown = [base, '/usr', environment]
  const link = (source: string, target: string) => {
    if (!shown.some((folder) => isWithin(target, folder))) mounts.push({ kind: 'link', source, target })
    shown.push(target)
  }
  if (named !== undefined && named !== base && realOf(named) === base) link(base, named)
  const way = linksOf(python).find(({ at }) => !isWithin(at, environment))
  if (way !== undefined) link(real, way.at)
  return mounts
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** From `home = /…/bin`, as both venv and uv write it: `sys.base_prefix` before links are followed. */
function baseNamedBy(environment: string): string | undefined {
  try {
    const config = readFileSync(join(environment, 'pyvenv.cfg'), 'utf8')
    const home = /^home\s*=\s*(.+?)\s*$/m.exec(config)?.[1]
    return home !== undefined && isAbsolute(home) ? dirname(resolve(home)) : undefined
  } catch {
    return undefined // not a virtual environment: it is its own base
  }
}

/** Each link on the way from a path to what it means. */
function linksOf(path: string): { at: string; to: string }[] {
  const hops: { at: string; to: string }[] = []
  let at = path
  while (hops.length < MAX_LINKS && lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) {
    const to = readlinkSync(at)
    hops.push({ at, to })
    at = resolve(dirname(at), to)
  }
  return hops
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '' || (!way.startsWith('..') && !isAbsolute(way))
}

/** Root's sandboxes are another user's, who must be able to read it; what a researcher made may be closed. */
function refuseClosed(folder: string): void {
  if (process.getuid?.() !== 0) return
  const folders = [folder, join(folder, 'bin'), join(folder, 'lib')]
  const closed = folders.find((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0o5) & 0o5) !== 0o5)
  if (closed === undefined) return
  throw new SeerError('setup-confinement', {
    message: `Python in ${folder} can be read by root only (${closed}), and a sandbox that root starts is not root.`,
    hint: `chmod -R o+rX ${folder}, or run Seer as an ordinary user.`,
  })
}

/** To see a home would be to see its keys. */
function refuseHome(base: string, home: string): void {
  const shownHome = [home, '/root', '/home'].find((folder) => isWithin(folder, base))
  if (shownHome === undefined && base !== '/') return
  throw new SeerError('setup-confinement', {
    message: `Python is installed right in ${base}, and to show it to a sandbox would show ${shownHome ?? 'everything'}.`,
    hint: 'Set SEER_PYTHON to a Python in a folder of its own, such as /usr/bin/python3 or one that uv or pyenv installed.',
  })
}
