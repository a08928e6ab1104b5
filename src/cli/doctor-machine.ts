/** The machine under Seer: Node, cores, memory, disk, the folder of runs, keys. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { plural, size } from '../amounts.ts'
import { SEER_VERSION } from '../run/version.ts'
import { tryWall } from '../sandbox/local/wall/find-wall.ts'
import type { Check } from './doctor-check.ts'
import { shortPath } from './short-path.ts'
import { readKeys, type KeySource } from '../harness/keys.ts'

const MIN_NODE = 24
const SMALL_MEMORY_BYTES = 2e9
const SMALL_DISK_BYTES = 1e9

export async function* checkMachine(outputDir: string, env: NodeJS.ProcessEnv): AsyncGenerator<Check> {
  yield { name: 'Seer', level: 'ok', text: SEER_VERSION }
  const major = Number(process.versions.node.split('.')[0])
  if (major >= MIN_NODE) yield { name: 'Node', level: 'ok', text: `${process.versions.node} (${process.execPath})` }
  else
    yield {
      name: 'Node',
      level: 'problem',
      text: `${process.versions.node} is too old`,
      hint: `install Node ${MIN_NODE} or newer, or start Seer by ./seer from a checkout, which brings its own`,
    }
  yield { name: 'cores', level: 'ok', text: plural(availableParallelism(), 'core') }
  yield checkMemory(process.availableMemory())
  yield await checkOutputs(resolve(outputDir))
  const { keys, from } = readKeys(env)
  yield checkKey(from)
  if (keys.ANTHROPIC_BASE_URL)
    yield {
      name: 'ANTHROPIC_BASE_URL',
      level: 'ok',
      text: `${withoutSecrets(keys.ANTHROPIC_BASE_URL)} (claude’s words come from there)`,
    }
  yield await checkConfinement(env)
}

function checkMemory(available: number): Check {
  const text = `${size(available)} of ${size(totalmem())} free`
  if (available >= SMALL_MEMORY_BYTES) return { name: 'memory', level: 'ok', text }
  return {
    name: 'memory',
    level: 'warning',
    text,
    hint: 'the embedded model and its kernel take about 1.5 GB: close something',
  }
}

/** Of a folder that is not there yet, the one in which it would be made. */
export function nearestFolder(path: string): string {
  let folder = path
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}

export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return statSync(folder).isDirectory()
  } catch {
    return false
  }
}

export async function freeBytes(folder: string): Promise<number | undefined> {
  const stats = await statfs(nearestFolder(folder)).catch(() => undefined)
  return stats && stats.bavail * stats.bsize
}

async function checkOutputs(outputDir: string): Promise<Check> {
  const name = 'runs'
  if (!isWritable(nearestFolder(outputDir))) {
    return {
      name,
      level: 'problem',
      text: `${outputDir} cannot be written to`,
      hint: 'choose another folder with --output-dir',
    }
  }
  const free = await freeBytes(outputDir)
  const text = `go to ${shortPath(outputDir)}${existsSync(outputDir) ? '' : ' (not there yet)'}${free === undefined ? '' : `, ${size(free)} free`}`
  if (free !== undefined && free < SMALL_DISK_BYTES)
    return { name, level: 'warning', text, hint: 'a run with many figures or long output takes up to a gigabyte' }
  return { name, level: 'ok', text }
}

function checkKey(from: KeySource | undefined): Check {
  const text =
    from === undefined
      ? 'not set: an experiment plays its recording, and says so'
      : `set${from === '.env' ? ' in .env' : ''}: agents are answered by claude unless you ask for a recording`
  return { name: 'ANTHROPIC_API_KEY', level: 'ok', text }
}

/** A url may carry a password, and a query a key. */
function withoutSecrets(url: string): string {
  try {
    const { origin, pathname, username, search } = new URL(url)
    return `${origin}${pathname}${username || search ? ' (with credentials, not shown)' : ''}`
  } catch {
    return 'is not a url'
  }
}

async function checkConfinement(env: NodeJS.ProcessEnv): Promise<Check> {
  const name = 'confinement'
  const wall = await tryWall(env)
  if (wall.kind === 'bubblewrap')
    return { name, level: 'ok', text: `bubblewrap works here (${wall.program}): the agent’s code runs behind it` }
  return {
    name,
    level: 'problem',
    text: `the agent’s code cannot be confined here: ${wall.reason}`,
    hint: `${wall.hint} Or type --unconfined, and the agent’s code has your rights.`,
  }
}
