import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readPipSettings } from './pip-settings.ts'
import type { Python } from './find-python.ts'
import type { SetupContext } from './progress.ts'

/** What pip is told by its own configuration and uv, which does not read that, has to be told by its environment. */
export type PipConfig = {
  indexUrl?: string
  extraIndexUrls: string[]
  findLinks: string[]
  cert?: string
  clientCert?: string
  trustedHosts: string[]
  noIndex: boolean
}

/** What pip's files and its environment together say of where packages come from. */
export async function readPipConfig(
  python: Pick<Python, 'executable'>,
  context: Pick<SetupContext, 'env'>,
): Promise<PipConfig> {
  return pipConfig(await readPipSettings(dirname(dirname(python.executable)), context.env ?? process.env))
}

export function pipConfig(settings: ReadonlyMap<string, string>): PipConfig {
  const one = (name: string) => settings.get(name)?.trim() || undefined
  const many = (name: string) => one(name)?.split(/\s+/).filter(Boolean) ?? []
  const indexUrl = one('index-url')
  const cert = one('cert')
  const clientCert = one('client-cert')
  return {
    ...(indexUrl && { indexUrl }),
    extraIndexUrls: many('extra-index-url'),
    findLinks: many('find-links'),
    ...(cert && { cert }),
    ...(clientCert && { clientCert }),
    trustedHosts: many('trusted-host'),
    noIndex: /^(y|yes|t|true|on|1)$/i.test(one('no-index') ?? ''),
  }
}

/**
 * The same for uv. By environment and not by argument, because urls may hold passwords and arguments can be seen by everyone
 * on the machine. What the user has set for uv itself stands.
 */
export function uvIndexEnvironment(pip: PipConfig, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const translated: NodeJS.ProcessEnv = {}
  if (pip.indexUrl && !env['UV_INDEX_URL']) translated['UV_DEFAULT_INDEX'] = pip.indexUrl
  if (pip.extraIndexUrls.length > 0 && !env['UV_INDEX']) {
    translated['UV_EXTRA_INDEX_URL'] = pip.extraIndexUrls.join(' ')
    // pip takes the best version of all indexes; uv by default only looks at the first that knows the name.
    translated['UV_INDEX_STRATEGY'] = 'unsafe-best-match'
  }
  // pip goes on where such a folder is not there; uv would end.
  const links = pip.findLinks.flatMap((link) => (isRemote(link) ? [link] : (localPath(link) ?? [])))
  if (links.length > 0) translated['UV_FIND_LINKS'] = links.join(',')
  if (pip.cert) translated['SSL_CERT_FILE'] = pip.cert
  if (pip.clientCert) translated['SSL_CLIENT_CERT'] = pip.clientCert
  if (pip.trustedHosts.length > 0) translated['UV_INSECURE_HOST'] = pip.trustedHosts.join(' ')
  if (pip.noIndex) translated['UV_NO_INDEX'] = '1'
  return { ...translated, ...env }
}

const isRemote = (link: string) => /^(?!file:)\w+:\/\//.test(link)

/** A file or folder that is there, named as pip takes it: by its path, with a ~, or as an address. */
export function localPath(named: string): string | undefined {
  if (isRemote(named)) return undefined
  try {
    const path = named.startsWith('file://') ? fileURLToPath(named) : resolve(named.replace(/^~(?=\/|$)/, homedir()))
    return existsSync(path) ? path : undefined
  } catch {
    return undefined // no address of a file of this machine
  }
}
