/** A copy of a repository in the cache: all its branches and tags, in a bare repository of no settings but its own. */
import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { asDiskFull, cacheRoot, exists } from '../cache.ts'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import { withLock } from '../lock.ts'
import type { SetupContext } from '../progress.ts'
import type { ToolResult } from '../run-tool.ts'
import { gitFailure, isBrokenCopy } from './git-errors.ts'
import { git, type GitOptions } from './git.ts'
import type { RepoSource } from './repo-source.ts'

const REMOTE = 'origin'
/** Said, since git can be set up to take no bare repository that it only came across. */
const HERE = ['--git-dir=.']
/** A question is answered at once, unless somebody has to touch a key for it. */
const ASKING_MS = 60_000
const ASKED = 'seer-asked.json'
/** What a name stood for when the repository was last asked. */
const askedSchema = z.record(
  z.string(),
  z.object({ commit: z.string(), branch: z.string().optional(), at: z.string() }),
)
export type Asked = z.infer<typeof askedSchema>[string]

export interface Mirror {
  readonly folder: string
  /** The commit that a name means in the copy; undefined for one that is not there. */
  commitOf(name: string): Promise<string | undefined>
  /** What the repository itself has now under these names. */
  ask(names: readonly string[]): Promise<ToolResult>
  fetch(refspecs: readonly string[], onLine: (line: string) => void): Promise<void>
  remember(name: string, asked: Omit<Asked, 'at'>): Promise<void>
  remembered(name: string): Promise<Asked | undefined>
  /** Git on the copy, with nobody's settings. */
  read(args: readonly string[], options?: Pick<GitOptions, 'onStdout'>): Promise<ToolResult>
}

/** Nobody else changes the copy meanwhile. */
export async function withMirror<T>(
  source: RepoSource,
  context: SetupContext & { onWait?: (holder: string) => void },
  work: (mirror: Mirror) => Promise<T>,
): Promise<T> {
  const folder = mirrorFolder(source, context.env)
  try {
    await mkdir(join(folder, '..'), { recursive: true, mode: 0o700 })
    return await withLock(`${folder}.lock`, context, async () => {
      await makeEmpty(folder, context)
      return work(mirrorOf(source, folder, context))
    })
  } catch (error) {
    throw asDiskFull(error, folder)
  }
}

export function mirrorFolder({ name, remote }: RepoSource, env?: NodeJS.ProcessEnv): string {
  const hash = createHash('sha256').update(remote).digest('hex').slice(0, 16)
  return join(cacheRoot(env), 'repos', `${name}-${hash}.git`)
}

async function makeEmpty(folder: string, context: SetupContext): Promise<void> {
  if (await exists(join(folder, 'HEAD'))) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await git(['init', '--quiet', '--bare', '--template='], { folder, context, as: 'nobody' })
}

function mirrorOf(source: RepoSource, folder: string, context: SetupContext): Mirror {
  const asResearcher: GitOptions = { folder, context, as: 'researcher', ...addressed(source) }
  const read: Mirror['read'] = (args, options) => git([...HERE, ...args], { folder, context, as: 'nobody', ...options })
  return {
    folder,
    read,
    async commitOf(name) {
      const { exitCode, stdout } = await read(['rev-parse', '--verify', '--quiet', `${name}^{commit}`])
      return exitCode === 0 ? stdout.trim() : undefined
    },
    ask: (names) => git([...HERE, 'ls-remote', '--symref', REMOTE, ...names], { ...asResearcher, silentMs: ASKING_MS }),
    async fetch(refspecs, onLine) {
      const flags = ['--progress', '--no-write-fetch-head', '--no-recurse-submodules', '--update-shallow', '--force']
      const run = () => git([...HERE, 'fetch', ...flags, REMOTE, ...refspecs], { ...asResearcher, onLine })
      let result = await run()
      if (result.exitCode !== 0 && isBrokenCopy(result)) {
        await rm(folder, { recursive: true, force: true })
        await makeEmpty(folder, context)
        result = await run()
      }
      if (result.exitCode !== 0) throw gitFailure(source, 'fetching', result)
    },
    async remember(name, asked) {
      const all = (await readJsonFile(join(folder, ASKED), askedSchema)) ?? {}
      await writeJsonFile(join(folder, ASKED), { ...all, [name]: { ...asked, at: new Date().toISOString() } })
    },
    remembered: async (name) => (await readJsonFile(join(folder, ASKED), askedSchema))?.[name],
  }
}

/** The address and its login, as settings that no other process can read, and that no file keeps. */
function addressed({ remote, login }: RepoSource): Pick<GitOptions, 'settings' | 'variables'> {
  const url = [`remote.${REMOTE}.url`, remote] as const
  if (!login) return { settings: [url] }
  const helper =
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$SEER_GIT_USER" "$SEER_GIT_PASSWORD"; }; f'
  const own = `credential.${new URL(remote).origin}.helper`
  return {
    // Only for this host. The empty one first: the researcher's own helpers would be asked before, and told of this login afterwards.
    settings: [url, [own, ''], [own, helper]],
    variables: { SEER_GIT_USER: login.username, SEER_GIT_PASSWORD: login.password },
  }
}
