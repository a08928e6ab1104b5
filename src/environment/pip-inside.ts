/** How pip works for the agent's code: where it installs to, and which of the researcher's sources of packages it may use. */
import { realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isWithin } from './files/target.ts'
import { localPath, type PipConfig } from './package-index.ts'

export interface PipInside {
  readonly env: Readonly<Record<string, string>>
  /** Files of this machine that are to be seen inside, read-only. */
  readonly mounts: readonly Place[]
  /** Folders, of which only the archives of packages are to be seen. */
  readonly packages: readonly Place[]
}

interface Place {
  readonly source: string
  readonly target: string
}

/** Their own names would tell where on this machine they lie. */
const PLACE = '/opt/packages'

/**
 * Without a network there is no index, so that pip says at once what it cannot find. An address with a password in it is left out, and
 * so is a client's certificate: what the agent's code is given, it can print.
 */
export function pipInside(
  pip: PipConfig,
  { isConfined, hasNetwork }: { isConfined: boolean; hasNetwork: boolean },
): PipInside {
  const mounts: Place[] = []
  const packages: Place[] = []
  const seen = (source: string, name: string, places: Place[]): string => {
    if (!isConfined) return source
    places.push({ source, target: join(PLACE, name) })
    return join(PLACE, name)
  }
  const links = pip.findLinks.flatMap((link, i) => {
    const folder = localPath(link)
    if (folder !== undefined) return isConfined && !isOpenFolder(folder) ? [] : [seen(folder, String(i), packages)]
    return hasNetwork && isPlainAddress(link) ? [link] : []
  })
  const env: Record<string, string> = { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1', PIP_NO_CACHE_DIR: '1' }
  if (links.length > 0) env['PIP_FIND_LINKS'] = links.join(' ')
  if (!hasNetwork || pip.noIndex) env['PIP_NO_INDEX'] = '1'
  if (!hasNetwork) return { env, mounts, packages }
  const extra = pip.extraIndexUrls.filter(isPlainAddress)
  if (pip.indexUrl !== undefined && isPlainAddress(pip.indexUrl)) env['PIP_INDEX_URL'] = pip.indexUrl
  if (extra.length > 0) env['PIP_EXTRA_INDEX_URL'] = extra.join(' ')
  if (pip.trustedHosts.length > 0) env['PIP_TRUSTED_HOST'] = pip.trustedHosts.join(' ')
  const certificates = pip.cert === undefined ? undefined : localPath(pip.cert)
  if (certificates !== undefined) env['PIP_CERT'] = seen(certificates, 'certificates.pem', mounts)
  return { env, mounts, packages }
}

/** Root's sandboxes are another user's, and what only root may look into is not theirs. Nor is a home, or what holds one. */
function isOpenFolder(path: string): boolean {
  const found = statSync(path)
  if ([homedir(), realHome()].some((home) => isWithin(home, realpathSync(path)))) return false
  return found.isDirectory() && (process.getuid?.() !== 0 || (found.mode & 0o5) === 0o5)
}

function realHome(): string {
  try {
    return realpathSync(homedir())
  } catch {
    return homedir()
  }
}

/** Nothing in it that only its owner may know: no user, no password, no token behind a question mark. */
function isPlainAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, username, password, search } = new URL(address)
  return /^https?:$/.test(protocol) && username === '' && password === '' && search === ''
}
