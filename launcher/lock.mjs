// Two commands started at once must not both install. The lock is a file that names its holder; a dead holder's lock is taken over.
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

const OTHER_HOST_SILENT_MS = 60_000

/** Runs `work` while holding the lock file; waits for a living holder. Errors of the file system (read-only) pass through. */
export async function withLock(path, work) {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), at: Date.now() })
  let told = false
  while (!tryCreate(path, mine)) {
    const holder = read(path)
    if (isDead(path, holder)) {
      takeAway(path, holder)
      continue
    }
    if (!told)
      process.stderr.write(`seer: another seer is setting up (${describe(holder)}; lock ${path}); waiting for it\n`)
    told = true
    await sleep(300)
  }
  // A holder on another host (a shared home) cannot be asked by pid: a fresh time says that it lives.
  const beat = setInterval(() => touch(path), 5_000)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if (read(path) === mine) rmSync(path, { force: true })
  }
}

function tryCreate(path, content) {
  try {
    writeFileSync(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function isDead(path, content) {
  if (content === undefined) return false
  const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  const holder = parse(content)
  if (!holder || holder.host !== hostname()) return ageMs > OTHER_HOST_SILENT_MS
  try {
    process.kill(holder.pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

// Renamed before it is removed, and looked at again: another waiter may have replaced the dead lock by its own in between.
function takeAway(path, seen) {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (read(aside) !== seen) tryCreate(path, read(aside) ?? '')
  rmSync(aside, { force: true })
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function parse(content) {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

function describe(content) {
  const holder = parse(content ?? '')
  return holder ? `process ${holder.pid} on ${holder.host}` : 'just started'
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Removed under us: the work goes on, and the next holder checks what is there.
  }
}
