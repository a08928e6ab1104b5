/** Whether this machine can confine the agent's code: tried, not guessed, with the reason and what to do where it cannot. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SeerError } from '../../../errors.ts'
import { bwrapArgs } from './bwrap-args.ts'
import { systemMounts } from './system-files.ts'
import { USER_OF_ROOTS_SANDBOXES } from './wall.ts'
import { whyNot, type Attempt, type NoWall } from './why-not.ts'

export type FoundWall = { readonly kind: 'bubblewrap'; readonly program: string } | NoWall

const DEADLINE_MS = 10_000
const CAP_SYS_ADMIN = 21n
const MACHINES = ['x64', 'arm64']

let found: Promise<FoundWall> | undefined

/** Tried once in the life of this process. */
export function findWall(): Promise<FoundWall> {
  found ??= tryWall(process.env)
  return found
}

/** The program that confines, or a SeerError with what to do. */
export async function requireWall(): Promise<string> {
  const wall = await findWall()
  if (wall.kind === 'bubblewrap') return wall.program
  throw new SeerError('setup-confinement', {
    message: `The agent’s code cannot be confined on this machine: ${wall.reason}.`,
    hint: `${wall.hint} Or choose to run without: \`--unconfined\` of \`seer run\` (in a script, \`Sandbox.start({ unconfined: true })\`) gives the agent’s code all your rights on this machine.`,
  })
}

export async function tryWall(env: NodeJS.ProcessEnv): Promise<FoundWall> {
  if (process.platform !== 'linux') return whyNot({ kind: 'other-system', platform: process.platform })
  if (!MACHINES.includes(process.arch)) return whyNot({ kind: 'other-machine', arch: process.arch })
  const program = programOn(env)
  if (program === undefined) return whyNot({ kind: 'no-program' })
  const isRoot = process.getuid?.() === 0
  if (isRoot && !hasCapability(CAP_SYS_ADMIN)) return whyNot({ kind: 'weak-root' })
  if (isRoot && !mapsUser(USER_OF_ROOTS_SANDBOXES)) return whyNot({ kind: 'root-alone', user: USER_OF_ROOTS_SANDBOXES })
  const attempt = await tryProgram(program, isRoot)
  return attempt.ok ? { kind: 'bubblewrap', program } : whyNot({ kind: 'failed', attempt, settings: readSettings() })
}

function programOn(env: NodeJS.ProcessEnv): string | undefined {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/bin', '/bin', '/usr/local/bin']
  return folders.map((folder) => join(folder, 'bwrap')).find((path) => path.startsWith('/') && existsSync(path))
}

/** The same separation as a sandbox gets, around a program that does nothing. */
function tryProgram(program: string, isRoot: boolean): Promise<Attempt & { ok: boolean }> {
  const { args } = bwrapArgs({ mounts: systemMounts(), workingFolder: '/', environment: {}, stageAt: undefined })
  const user = isRoot ? { uid: USER_OF_ROOTS_SANDBOXES, gid: USER_OF_ROOTS_SANDBOXES } : {}
  const child = spawn(program, [...args, '--', '/usr/bin/env', 'true'], {
    env: {},
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    ...user,
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)))
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      resolve({ ok: false, stderr: '', timedOut: true })
    }, DEADLINE_MS)
    child.once('error', (error) => {
      clearTimeout(timer)
      resolve({ ok: false, stderr: error.message, timedOut: false })
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ ok: code === 0, stderr: stderr.trim(), timedOut: false })
    })
  })
}

function hasCapability(bit: bigint): boolean {
  const hex = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${hex}`) >> bit) & 1n) === 1n
}

/** Inside of a user namespace (`unshare -r`, some containers) there may be root and nobody else to drop to. */
function mapsUser(user: number): boolean {
  return ['uid_map', 'gid_map'].every((name) => isMapped(user, readFileSync(join('/proc/self', name), 'utf8')))
}

/** By the lines of a `uid_map`: the first id inside, the first outside, how many. */
function isMapped(id: number, map: string): boolean {
  return map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = 0, , count = 0]) => id >= first && id < first + count)
}

function readSettings() {
  const read = (path: string) => {
    try {
      return readFileSync(join('/proc/sys', path), 'utf8').trim()
    } catch {
      return undefined
    }
  }
  return {
    apparmor: read('kernel/apparmor_restrict_unprivileged_userns'),
    clone: read('kernel/unprivileged_userns_clone'),
    max: read('user/max_user_namespaces'),
    inContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
  }
}
