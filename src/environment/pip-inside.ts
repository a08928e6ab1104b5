/** How pip works for the agent's code: where it installs to, and which of the researcher's sources of packages it may use. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { localPath, type PipConfig } from './package-index.ts'

export interface PipInside {
  readonly env: Readonly<Record<string, string>>
  /** Folders and files of this machine that are to be seen inside, read-only. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[]
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
  const mounts: { source: string; target: string }[] = []
  const seen = (source: string, name: string): string => {
    if (!isConfined) return source
    mounts.push({ source, target: join(PLACE, name) })
    return join(PLACE, name)
  }
  const links = pip.findLinks.flatMap((link, i) => {
    const folder = localPath(link)
    if (folder !== undefined) return isConfined && !isOpenFolder(folder) ? [] : [seen(folder, String(i))]
    return hasNetwork && isPlainAddress(link) ? [link] : []
  })
  const env: Record<string, string> = { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1', PIP_NO_CACHE_DIR: '1' }
  if (links.length > 0) env['PIP_FIND_LINKS'] = links.join(' ')
  if (!hasNetwork || pip.noIndex) env['PIP_NO_INDEX'] = '1'
  if (!hasNetwork) return { env, mounts }
  const extra = pip.extraIndexUrls.filter(isPlainAddress)
  if (pip.indexUrl !== undefined && isPlainAddress(pip.indexUrl)) env['PIP_INDEX_URL'] = pip.indexUrl
  if (extra.length > 0) env['PIP_EXTRA_INDEX_URL'] = extra.join(' ')
  if (pip.trustedHosts.length > 0) env['PIP_TRUSTED_HOST'] = pip.trustedHosts.join(' ')
  const certificates = pip.cert === undefined ? undefined : localPath(pip.cert)
  if (certificates !== undefined) env['PIP_CERT'] = seen(certificates, 'certificates.pem')
  return { env, mounts }
}

/** Root's sandboxes are another user's. pip fails for every package where it may not read one of its folders. */
function isOpenFolder(path: string): boolean {
  const found = statSync(path)
  return found.isDirectory() && (process.getuid?.() !== 0 || (found.mode & 0o5) === 0o5)
}

/** Nothing in it that only its owner may know: no user, no password, no token behind a question mark. */
function isPlainAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, username, password, search } = new URL(address)
  return /^https?:$/.test(protocol) && username === '' && password === '' && search === ''
}
