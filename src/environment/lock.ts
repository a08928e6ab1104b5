import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { parseJson } from './json-file.ts'

const holderSchema = z.object({ pid: z.number(), startedAt: z.string(), host: z.string(), token: z.string() })
type Holder = z.infer<typeof holderSchema>

/** A holder on another machine (a shared home) cannot be asked whether it lives: it must touch its lock this often. */
const touchEveryMs = 5_000
const silentForMs = 60_000

type LockOptions = { signal?: AbortSignal | undefined; onWait?: ((holder: string) => void) | undefined }

/**
 * A lock between processes: a file that names its holder. It spares double work and nothing hangs on it for correctness
 * (whoever builds publishes by an atomic rename), so the narrow race of two takeovers at once is harmless.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const mine = await acquire(path, options)
  const touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), touchEveryMs)
  try {
    return await work()
  } finally {
    clearInterval(touch)
    await takeAway(path, mine)
  }
}

/** Waits until the lock is ours, and gives the text that stands in it. */
async function acquire(path: string, options: LockOptions): Promise<string> {
  const mine = JSON.stringify({
    pid: process.pid,
    startedAt: processStart(process.pid) ?? '',
    host: hostname(),
    token: randomBytes(8).toString('hex'),
  } satisfies Holder)
  let told: string | undefined
  for (;;) {
    options.signal?.throwIfAborted()
    if (await create(path, mine)) return mine
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    if (await isStale(path, text)) {
      await takeAway(path, text)
      continue
    }
    if (told !== text) {
      told = text
      const holder = parseJson(text, holderSchema)
      options.onWait?.(holder ? `process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`}` : path)
    }
    await sleep(200, undefined, { ...(options.signal && { signal: options.signal }) })
  }
}

/** The file appears with its content or not at all: written aside, then linked. */
async function create(path: string, text: string): Promise<boolean> {
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await using file = await open(aside, 'wx')
    await file.writeFile(text)
    await link(aside, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}

/** Removes the lock only if it still is the one that was looked at. */
async function takeAway(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  const was = await readFile(aside, 'utf8').catch(() => undefined)
  if (was !== text) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

/** Whether a living process holds it, here or on another machine. */
export async function isLocked(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text !== undefined && !(await isStale(path, text))
}

async function isStale(path: string, text: string): Promise<boolean> {
  const holder = parseJson(text, holderSchema)
  const silentMs = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now())
  if (!holder || holder.host !== hostname()) return silentMs > silentForMs
  if (!isProcessAlive(holder.pid)) return true
  const startedAt = processStart(holder.pid)
  return startedAt !== undefined && holder.startedAt !== '' && startedAt !== holder.startedAt
}

export function isProcessAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Linux only: the start time tells a process from a later one that was given its number. */
function processStart(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
