/** The environments in the cache: what each is, who uses it, and their removal. What a sandbox uses is never removed. */
import { randomBytes } from 'node:crypto'
import { lstat, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { environmentId, environmentsFolder, LOCK_FILE } from './build-environment.ts'
import { cacheRoot, exists, lockOf, readReady, readyMark } from './cache.ts'
import { findPythonRemembered } from './find-python.ts'
import { knownSandboxes } from './known-sandboxes.ts'
import { isLocked, withLock } from './lock.ts'
import type { SetupContext } from './progress.ts'
import { composeRequirements } from './requirements.ts'
import { runTool } from './run-tool.ts'

/** A sandbox that is starting has its environment some time before it can be seen to use it. */
const JUST_USED_MS = 10 * 60_000

export interface ListedEnvironment {
  /** What it is called in the log; of a leftover the name of its folder. */
  readonly id: string
  readonly path: string
  /** `building`: a process makes it now. `unfinished`: its making was killed. `broken`: the Python below it is gone. */
  readonly state: 'ready' | 'broken' | 'building' | 'unfinished'
  readonly packages: number | undefined
  readonly megabytes: number
  /** The version of its Python. */
  readonly python: string | undefined
  readonly madeAt: Date | undefined
  readonly usedAt: Date | undefined
  /** It is the one of sandboxes that ask for no packages of their own. */
  readonly isStandard: boolean
  /** The living sandboxes that use it. */
  readonly sandboxes: readonly string[]
}

const readySchema = z.object({ packages: z.number(), megabytes: z.number() })

/** The ones used last come first. */
export async function listEnvironments(context: SetupContext = {}): Promise<ListedEnvironment[]> {
  const root = environmentsFolder(cacheRoot(context.env))
  const standard = await standardId(context)
  const used = await placesInUse(context)
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const all = await Promise.all(folders.map((name) => describe(root, name, standard, used)))
  return all.sort((a, b) => (b.usedAt?.getTime() ?? 0) - (a.usedAt?.getTime() ?? 0))
}

/** Undefined where there is no Python that new environments would be made with. */
async function standardId(context: SetupContext): Promise<string | undefined> {
  try {
    return environmentId(await composeRequirements(), await findPythonRemembered(cacheRoot(context.env), context))
  } catch (error) {
    if (error instanceof SeerError) return undefined
    throw error
  }
}

type InUse = readonly { readonly sandbox: string; readonly python: string }[]

async function placesInUse({ env }: SetupContext): Promise<InUse> {
  const sandboxes = await knownSandboxes(env)
  return sandboxes.flatMap(({ id, pid, use, facts }) => {
    const isLiving = pid !== undefined || !['crashed', 'left'].includes(use.state)
    return isLiving && facts ? [{ sandbox: id, python: facts.python }] : []
  })
}

async function describe(root: string, name: string, standard: string | undefined, used: InUse) {
  const path = join(root, name)
  const made = /^(.+?)\.building-/.exec(name)?.[1]
  const ready = made === undefined ? await readReady(path, { schema: readySchema }) : undefined
  const state = ready
    ? await stateOf(path)
    : (await isLocked(lockOf(join(root, made ?? name))))
      ? 'building'
      : 'unfinished'
  return {
    id: name,
    path,
    state,
    packages: ready?.packages,
    megabytes: ready?.megabytes ?? (await diskUse(path)),
    python: await pythonVersion(path),
    madeAt: await changedAt(join(path, LOCK_FILE)),
    usedAt: await changedAt(join(path, readyMark)),
    isStandard: name === standard,
    sandboxes: used.filter(({ python }) => python.startsWith(join(path, '/'))).map(({ sandbox }) => sandbox),
  } satisfies ListedEnvironment
}

async function stateOf(path: string) {
  return (await exists(join(path, 'bin', 'python'))) ? 'ready' : 'broken'
}

async function pythonVersion(path: string): Promise<string | undefined> {
  const text = await readFile(join(path, 'pyvenv.cfg'), 'utf8').catch(() => '')
  return /^version(?:_info)?\s*=\s*([\d.]+)/m.exec(text)?.[1]
}

async function changedAt(file: string): Promise<Date | undefined> {
  return (await stat(file).catch(() => undefined))?.mtime
}

async function diskUse(folder: string): Promise<number> {
  const result = await runTool(['du', '-sk', folder], { env: { PATH: process.env['PATH'] } }).catch(() => undefined)
  return Math.round((Number.parseInt(result?.stdout ?? '', 10) || 0) / 1_000)
}

/** Those that nobody would miss: leftovers, broken ones, and all but the standard one that no sandbox uses or has just begun to use. */
export function unusedOf(all: readonly ListedEnvironment[], now = Date.now()): ListedEnvironment[] {
  return all.filter(({ state, isStandard, sandboxes, usedAt }) => {
    if (state === 'building' || sandboxes.length > 0) return false
    if (state !== 'ready') return true
    return !isStandard && now - (usedAt?.getTime() ?? 0) > JUST_USED_MS
  })
}

/** By their ids, or enough of their beginnings. Throws for one that is not there, or that may not be removed. */
export function chooseEnvironments(all: readonly ListedEnvironment[], ids: readonly string[]): ListedEnvironment[] {
  const chosen = ids.map((id) => {
    const exact = all.find((one) => one.id === id)
    const found = exact ? [exact] : all.filter((one) => id !== '' && one.id.startsWith(id))
    if (found.length === 1) return found[0]!
    throw new SeerError('environment-unknown', {
      message:
        found.length === 0
          ? `There is no environment "${id}".`
          : `"${id}" is the beginning of several environments: ${found.map((one) => one.id).join(', ')}.`,
      hint: '`seer env ls` lists them.',
    })
  })
  for (const one of chosen) refuseUsed(one)
  return [...new Set(chosen)]
}

function refuseUsed({ id, state, sandboxes }: ListedEnvironment): void {
  if (state === 'building') {
    throw new SeerError('environment-used', {
      message: `The environment ${id} is being made at this moment.`,
      hint: 'End the process that makes it, and run this again.',
    })
  }
  if (sandboxes.length === 0) return
  throw new SeerError('environment-used', {
    message: `The environment ${id} is used by ${sandboxes.join(', ')}.`,
    hint: 'End its run (`seer stop`), and run this again.',
  })
}

/** False for one that somebody has begun to use, or to make, since it was listed. */
export async function removeEnvironment(listed: ListedEnvironment, context: SetupContext = {}): Promise<boolean> {
  const { path } = listed
  return withLock(lockOf(path), context, async () => {
    const found = await lstat(path).catch(() => undefined)
    if (!found?.isDirectory()) return true // somebody else was faster
    const usedAt = await changedAt(join(path, readyMark))
    const used = await placesInUse(context)
    if (used.some(({ python }) => python.startsWith(join(path, '/')))) return false
    if (usedAt?.getTime() !== listed.usedAt?.getTime()) return false
    // Gone at once for whoever looks; what is left when this is cut short is a leftover as those of builds.
    const aside = path.includes('.building-')
      ? path
      : `${path}.building-${process.pid}-${randomBytes(4).toString('hex')}`
    if (aside !== path) await rename(path, aside)
    await rm(aside, { recursive: true, force: true, maxRetries: 5 })
    return true
  })
}
