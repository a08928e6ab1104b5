/** The Hugging Face hub's own cache on this machine: where it is, and what of a model is in it. Nothing here asks the network. */
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import type { ModelFiles } from './model-files.ts'
import { readModelFolder, type ModelKind } from './model-folder.ts'

export const DEFAULT_REVISION = 'main'
const COMMIT = /^[0-9a-f]{40}$/

/** As the hub's own library finds it. */
export function hubCache(env: NodeJS.ProcessEnv = process.env): string {
  const home = env['HOME'] || homedir()
  const expand = (path: string) => path.replace(/^~(?=\/|$)/, home).replaceAll(/\$\{?HOME\}?/g, home)
  const named = env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE']
  if (named) return expand(named)
  const hfHome = env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'huggingface')
  return join(expand(hfHome), 'hub')
}

export interface HubWanted {
  readonly repo: string
  readonly revision: string | undefined
  readonly kind: ModelKind
  /** What keeps the snapshot in the cache from being whole, for the error. */
  readonly missing?: string
}

export interface Snapshot {
  readonly path: string
  readonly commit: string
}

export function repoFolder(cache: string, repo: string): string {
  return join(cache, `models--${repo.replaceAll('/', '--')}`)
}

/** Where the files of a revision lie, if its commit is known here. */
export async function findSnapshot(cache: string, { repo, revision }: HubWanted): Promise<Snapshot | undefined> {
  const folder = repoFolder(cache, repo)
  const commit = await commitOf(folder, revision ?? DEFAULT_REVISION)
  if (commit === undefined) return undefined
  const path = join(folder, 'snapshots', commit)
  return (await stat(path).catch(() => undefined))?.isDirectory() ? { path, commit } : undefined
}

async function commitOf(folder: string, revision: string): Promise<string | undefined> {
  if (COMMIT.test(revision)) return revision
  const text = (await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '')).trim()
  return COMMIT.test(text) ? text : undefined
}

export type Completeness =
  | { readonly state: 'complete'; readonly files: ModelFiles }
  /** An adapter that another program fetched: whether it has a tokenizer of its own is known to the hub only. */
  | { readonly state: 'unknown'; readonly files: ModelFiles }
  | { readonly state: 'incomplete'; readonly missing: string }

/** Judged by what the hub listed when Seer fetched it, else by what a model must have. */
export async function completeness({ path, commit }: Snapshot, { kind }: HubWanted): Promise<Completeness> {
  const listed = await readJsonFile(listingPath({ path, commit }), listingSchema)
  for (const file of listed?.files ?? []) {
    const found = await stat(join(path, file.path)).catch(() => undefined)
    if (found?.size !== file.size) return { state: 'incomplete', missing: `${file.path} is missing or cut short` }
  }
  const files = await readModelFolder(path, kind)
  if (typeof files === 'string') return { state: 'incomplete', missing: files }
  if (listed) return { state: 'complete', files }
  if (kind === 'adapter') return { state: 'unknown', files }
  const hasSettings = (await stat(join(path, 'tokenizer_config.json')).catch(() => undefined)) !== undefined
  return hasSettings
    ? { state: 'complete', files }
    : { state: 'incomplete', missing: 'tokenizer_config.json is missing' }
}

const listingSchema = z.object({ files: z.array(z.object({ path: z.string(), size: z.number() })) })
export type Listing = z.infer<typeof listingSchema>

/** In the hub's cache, beside what it is about, so that it goes when that is removed. The hub's library looks past it. */
function listingPath({ path, commit }: Snapshot): string {
  return join(dirname(dirname(path)), `.seer-${commit}.json`)
}

/** After a fetch: what belongs to the model, so that a later start can tell without a network that all of it is here. */
export async function rememberListing(snapshot: Snapshot, listing: Listing): Promise<void> {
  await writeJsonFile(listingPath(snapshot), listing)
}
