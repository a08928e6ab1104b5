/** The sandboxes whose files lie on this machine, and who uses each: the one place that decides whose a sandbox is. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { readLock } from '../run/lock.ts'
import { isOwnFolder } from '../run/own-folder.ts'
import { livingHost } from '../sandbox/local/end-host.ts'
import { sandboxesFolder } from '../sandbox/local/sandbox-folder.ts'
import { readRunOf } from '../sandbox/local/run-of-sandbox.ts'
import { readSandboxFile, type SandboxFacts } from './sandbox-file.ts'

/** A start writes down whose it is within moments. */
const HALF_MADE_MS = 10 * 60_000

export type SandboxUse =
  /** A living process writes to its run. */
  | { readonly state: 'used'; readonly run: string; readonly pid: number; readonly machine: string }
  /** That process was killed: its run is to be recovered. */
  | { readonly state: 'crashed'; readonly run: string }
  /** Its run has ended without ending it. */
  | { readonly state: 'left'; readonly run: string }
  /** It was let go, and waits for somebody. */
  | { readonly state: 'detached' }
  /** It is being made, or its making was killed. */
  | { readonly state: 'half-made'; readonly isOld: boolean }
  /** Another machine shares this disk: what runs there cannot be seen from here. */
  | { readonly state: 'elsewhere'; readonly machine: string }

export interface KnownSandbox {
  readonly id: string
  readonly stateDir: string
  readonly use: SandboxUse
  /** Of its host, while that lives. */
  readonly pid: number | undefined
  readonly facts: SandboxFacts | undefined
}

export async function knownSandboxes(env?: NodeJS.ProcessEnv): Promise<KnownSandbox[]> {
  const root = sandboxesFolder(env)
  let names: string[] = []
  try {
    names = readdirSync(root)
  } catch {
    // There never was one.
  }
  const found = await Promise.all(names.map((name) => knownSandbox(join(root, name))))
  return found.filter((sandbox) => sandbox !== undefined)
}

/** Undefined where there is none, or one of another user. */
export async function knownSandbox(stateDir: string): Promise<KnownSandbox | undefined> {
  if (!isOwnFolder(stateDir)) return undefined
  const id = basename(stateDir)
  // What says that it lies elsewhere was copied.
  const said = readSandboxFile(stateDir)
  const facts = said?.id === id && said.attach['stateDir'] === stateDir ? said : undefined
  const pid = await livingHost({ stateDir })
  return { id, stateDir, facts, pid, use: useOf(stateDir, facts) }
}

/**
 * Whether a sandbox is that of a run whose log names it. The log alone does not say so: its folder may be one that was handed over. The
 * run may have let go of it, or another one taken it up: `free`.
 */
export function holdOf(stateDir: string, runFolder: string): 'its own' | 'free' | 'another’s' {
  const facts = readSandboxFile(stateDir)
  const holder = readRunOf(stateDir) ?? (facts?.detached ? undefined : facts?.run)
  if (holder !== undefined && isSame(holder, runFolder)) return 'its own'
  return facts?.detached || (holder !== undefined && existsSync(holder)) ? 'free' : 'another’s'
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}

function useOf(stateDir: string, facts: SandboxFacts | undefined): SandboxUse {
  const machine = facts?.machine ?? hostname()
  if (machine !== hostname()) return { state: 'elsewhere', machine }
  const run = readRunOf(stateDir)
  if (run === undefined) {
    if (facts?.detached) return { state: 'detached' }
    const madeAt = statSync(stateDir, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    return { state: 'half-made', isOld: Date.now() - madeAt > HALF_MADE_MS }
  }
  const lock = readLock(run)
  if (lock?.alive) return { state: 'used', run, pid: lock.pid, machine: lock.host }
  return { state: lock && existsSync(run) ? 'crashed' : 'left', run }
}
