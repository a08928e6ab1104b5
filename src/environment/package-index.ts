import { tmpdir } from 'node:os'
import { runTool } from './run-tool.ts'
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

/** Reads pip's configuration: its files and its environment together, as pip itself would apply them. */
export async function readPipConfig(python: Python, context: SetupContext): Promise<PipConfig> {
  const env = context.env ?? process.env
  if (!python.hasPip) return parsePipConfig('')
  const argv = [python.executable, '-m', 'pip', 'config', 'list'] as const
  const result = await runTool([...argv], { env, cwd: tmpdir(), signal: context.signal })
  return parsePipConfig(result.exitCode === 0 ? result.stdout : '')
}

/** The lines are `global.index-url='https://…'`, `install.…` and `:env:.…`; values are Python string literals. */
export function parsePipConfig(text: string): PipConfig {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^(global|install|:env:)\.([a-z-]+)=(['"])(.*)\3$/.exec(line.trim())
    if (match) values.set(`${match[1]}.${match[2]}`, match[4]?.replaceAll('\\n', '\n').replaceAll('\\\\', '\\') ?? '')
  }
  const one = (key: string) =>
    (values.get(`:env:.${key}`) ?? values.get(`install.${key}`) ?? values.get(`global.${key}`))?.trim() || undefined
  const many = (key: string) => one(key)?.split(/\s+/).filter(Boolean) ?? []
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
    noIndex: /^(1|true|yes|on)$/i.test(one('no-index') ?? ''),
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
  if (pip.findLinks.length > 0) translated['UV_FIND_LINKS'] = pip.findLinks.join(',')
  if (pip.cert) translated['SSL_CERT_FILE'] = pip.cert
  if (pip.clientCert) translated['SSL_CLIENT_CERT'] = pip.clientCert
  if (pip.trustedHosts.length > 0) translated['UV_INSECURE_HOST'] = pip.trustedHosts.join(' ')
  if (pip.noIndex) translated['UV_NO_INDEX'] = '1'
  return { ...translated, ...env }
}
