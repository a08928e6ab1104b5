/** The built page, read once: what is served later is what was there at the start, and nothing else can be asked for. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface BuiltFile {
  readonly bytes: Uint8Array
  readonly type: string
}

export interface BuiltFiles {
  readonly index: Uint8Array
  /** By the path in the address: `/assets/…`. */
  readonly assets: ReadonlyMap<string, BuiltFile>
}

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

export function readBuiltFiles(folder: string): BuiltFiles {
  const assets = new Map<string, BuiltFile>()
  for (const name of readdirSync(join(folder, 'assets'))) {
    const type = TYPES[extname(name)] ?? 'application/octet-stream'
    assets.set(`/assets/${name}`, { bytes: readFileSync(join(folder, 'assets', name)), type })
  }
  return { index: readFileSync(join(folder, 'index.html')), assets }
}
