/** Sandboxes that nobody will ever go on with: found by `seer gc`, and taken away. */
import { existsSync, statSync, utimesSync } from 'node:fs'
import { attachLocalMachine } from '../sandbox/local/local.ts'
import { removeMachine } from '../sandbox/local/remove-machine.ts'
import { lockSandbox } from './attach-sandbox.ts'
import { knownSandbox, type KnownSandbox } from './known-sandboxes.ts'

export interface Removed {
  readonly sandbox: string
  /** The folder of its run, where that is known. */
  readonly run: string | null
  readonly why: string
}

/** Undefined where it is none of those, or somebody is just taking it up. */
export async function removeIfDead(stateDir: string): Promise<Removed | undefined> {
  const before = await knownSandbox(stateDir)
  return before && whyDead(before) !== undefined ? removeSandbox(before, whyDead) : undefined
}

/** Ends it and takes it away, unless `why` has no reason for it any more once nobody else can take it up. */
export async function removeSandbox(
  before: KnownSandbox,
  why: (sandbox: KnownSandbox) => string | undefined,
): Promise<Removed | undefined> {
  const { id, stateDir } = before
  const seen = statSync(stateDir, { throwIfNoEntry: false })
  const lock = lockSandbox(stateDir, id)
  try {
    const found = await knownSandbox(stateDir)
    // How old a folder is was seen before the lock was put into it.
    const reason = found && why(found.use.state === before.use.state ? { ...found, use: before.use } : found)
    if (!found || reason === undefined) return undefined
    const machine = found.facts && attachLocalMachine(found.facts.attach)?.machine
    await (machine?.terminate() ?? removeMachine({ stateDir }))
    return { sandbox: id, run: found.facts?.run ?? null, why: reason }
  } finally {
    lock.release()
    // The lock made the folder look new: what is half made would be so for ever where its removal fails.
    if (seen && existsSync(stateDir)) utimesSync(stateDir, seen.atime, seen.mtime)
  }
}

function whyDead({ use, pid }: KnownSandbox): string | undefined {
  if (use.state === 'left') return 'its run had ended without it'
  if (pid !== undefined) return undefined
  if (use.state === 'detached') return 'it was let go, and nobody took it up in time'
  return use.state === 'half-made' && use.isOld ? 'its start was killed half way' : undefined
}
