/** pip's settings, from its files and its environment, as pip itself would apply them to `pip install`. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { exists } from './cache.ts'

/** By pip's names: `index-url`, `find-links` …. `prefix` is where the Python whose pip it would be lies. */
export async function readPipSettings(prefix: string, env: NodeJS.ProcessEnv): Promise<Map<string, string>> {
  const sections = { global: new Map<string, string>(), install: new Map<string, string>() }
  for (const file of await settingsFiles(prefix, env)) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const [section, name, value] of parseSettings(text))
      if (section === 'global' || section === 'install') sections[section].set(name, value)
  }
  const variables = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    name.startsWith('PIP_') && value !== undefined ? [[settingName(name.slice('PIP_'.length)), value]] : [],
  )
  return new Map([...sections.global, ...sections.install, ...variables])
}

/** In the order in which a later one stands above an earlier one. */
async function settingsFiles(prefix: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const own = env['PIP_CONFIG_FILE']
  if (own === '/dev/null') return []
  const home = env['HOME'] || homedir()
  const isMac = process.platform === 'darwin'
  const support = 'Library/Application Support'
  const shared = isMac
    ? [join('/', support)]
    : [...(env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter(Boolean), '/etc']
  const ofUser =
    isMac && (await exists(join(home, support, 'pip')))
      ? join(home, support, 'pip/pip.conf')
      : join((!isMac && env['XDG_CONFIG_HOME']) || join(home, '.config'), 'pip/pip.conf')
  return [
    ...shared.map((folder) => (folder === '/etc' ? '/etc/pip.conf' : join(folder, 'pip/pip.conf'))),
    ...(own && (await exists(own)) ? [] : [join(home, '.pip/pip.conf'), ofUser]),
    join(prefix, 'pip.conf'),
    ...(own ? [own] : []),
  ]
}

/** As Python's configparser reads it: `name = value` or `name: value`, and lines further in go on with the value. */
export function parseSettings(text: string): [section: string, name: string, value: string][] {
  const found: [string, string, string][] = []
  let section = ''
  let isOpen = false
  for (const line of text.split('\n')) {
    if (/^\s*([#;]|$)/.test(line)) continue
    const header = /^\s*\[([^\]]+)\]/.exec(line)
    const setting = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line)
    if (isOpen && /^\s/.test(line)) found.at(-1)![2] += `\n${line.trim()}`
    else if (header) [section, isOpen] = [header[1]!, false]
    else if (setting) {
      found.push([section, settingName(setting[1]!), setting[2]!])
      isOpen = true
    }
  }
  return found
}

const settingName = (name: string) => name.toLowerCase().replaceAll('_', '-').replace(/^--/, '')
