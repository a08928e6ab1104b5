/**
 * `run.lock` names the one process that may write to a run. A process that died holds nothing: its lock is taken over, by one
 * process only, however many try at once.
 */
import { randomBytes } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { isProcessAlive, processStartTime } from './process-identity.ts'

const holderSchema = z.object({
  pid: z.int().positive(),
  startTime: z.string(),
  host: z.string(),
  /** The socket where the holder listens to other commands (`control.ts`). */
  control: z.string().optional(),
})

export interface LockHolder extends z.infer<typeof holderSchema> {
  /** True also for one on another machine (a shared disk), which cannot be asked. */
  readonly alive: boolean
}

export interface RunLock {
  /** Idempotent. */
  release(): void
}

const ATTEMPTS = 100

/** Throws `run-locked` when another process holds it. */
export function acquireLock(folder: string, control?: string): RunLock {
  const path = join(folder, 'run.lock')
  const startTime = processStartTime(process.pid) ?? ''
  const mine = JSON.stringify({ pid: process.pid, startTime, host: hostname(), control })
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (publish(path, mine)) return { release: () => removeOwn(path, mine) }
    const holder = readLock(folder)
    if (holder?.alive) throw locked(folder, holder)
    takeOver(folder, path, mine)
    if (attempt > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * 20)
  }
  throw new SeerError('run-locked', {
    message: `The lock ${path} could not be taken.`,
    hint: 'Remove it if nothing runs there.',
  })
}

/** Who holds a run, or undefined. A lock that cannot be read is a dead one. */
export function readLock(folder: string): LockHolder | undefined {
  return readHolder(join(folder, 'run.lock'))
}

function readHolder(path: string): LockHolder | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  try {
    const holder = holderSchema.parse(JSON.parse(text))
    return { ...holder, alive: holder.host !== hostname() || isProcessAlive(holder.pid, holder.startTime) }
  } catch {
    return { pid: 0, startTime: '', host: hostname(), alive: false }
  }
}

/**
 * Removes a dead lock. Only one process may be at it: two could each see the dead lock, and the second would remove the new
 * one of the first. So each puts up a claim under a name of its own and then looks around; with any other living claim in
 * sight it steps back. Of two that do so, at least one sees the other.
 */
function takeOver(folder: string, path: string, mine: string): void {
  const claim = `run.lock.claim-${process.pid}-${randomBytes(6).toString('hex')}`
  try {
    if (!publish(join(folder, claim), mine)) return
    const others = readdirSync(folder).filter((name) => name.startsWith('run.lock.claim-') && name !== claim)
    for (const name of others) {
      if (readHolder(join(folder, name))?.alive) return
      rmSync(join(folder, name), { force: true })
    }
    if (readLock(folder)?.alive === false) rmSync(path, { force: true })
  } finally {
    rmSync(join(folder, claim), { force: true })
  }
}

/** The file appears with its content, or not at all when there is one already. */
function publish(path: string, text: string): boolean {
  // Its name must not look like a claim: half written, it would be taken for one of a dead process.
  const aside = join(dirname(path), `.new-${process.pid}-${randomBytes(6).toString('hex')}`)
  try {
    writeFileSync(aside, text, { flag: 'wx' })
    linkSync(aside, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function removeOwn(path: string, mine: string): void {
  try {
    if (readFileSync(path, 'utf8') === mine) rmSync(path, { force: true })
  } catch {
    return
  }
}

function locked(folder: string, { pid, host }: LockHolder): SeerError {
  const elsewhere = host !== hostname()
  return new SeerError('run-locked', {
    message: `The run in ${folder} is being written by process ${pid}${elsewhere ? ` on ${host}` : ''}.`,
    hint: elsewhere
      ? `If that process has ended, remove ${join(folder, 'run.lock')}.`
      : 'Wait until it ends, or stop it.',
  })
}
