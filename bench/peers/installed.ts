/** Where the peers of a benchmark are installed, and whether they are the versions that were asked for. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

export const PEERS_FOLDER = join(tmpdir(), 'seer-bench-peers')
const PINS = join(import.meta.dirname, 'package.json')
export const INSTALL = `install -D ${PINS} ${PEERS_FOLDER}/package.json && npm install --prefix ${PEERS_FOLDER}`

const manifest = z.looseObject({
  version: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
})
const readManifest = (path: string) => manifest.parse(JSON.parse(readFileSync(path, 'utf8')))

/** One line for each peer that is not there as it should be. */
export function missingPeers(): string[] {
  return Object.entries(readManifest(PINS).dependencies ?? {}).flatMap(([name, wanted]) => {
    const found = installedVersion(name)
    return found === wanted ? [] : [`${name} ${wanted} is wanted, and ${found ?? 'none'} is in ${PEERS_FOLDER}`]
  })
}

export function installedVersion(name: string): string | undefined {
  try {
    return readManifest(join(PEERS_FOLDER, 'node_modules', name, 'package.json')).version
  } catch {
    return undefined
  }
}

/** A peer's module. What it looks like is said by the caller: its types are not installed here. */
export async function importPeer<T>(name: string): Promise<T> {
  const path = createRequire(join(PEERS_FOLDER, 'package.json')).resolve(name)
  return (await import(pathToFileURL(path).href)) as T
}
