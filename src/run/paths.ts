/** Where runs lie, and how one is found by what a person types. */
import { randomInt } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { didYouMean } from '../did-you-mean.ts'
import { describeError, SeerError } from '../errors.ts'
import { seerCommand } from '../seer-command.ts'

/** Where runs go unless told otherwise: `outputs` in the folder where the command was given. */
export function outputsFolder(folder: string = process.cwd()): string {
  return join(folder, 'outputs')
}

/** What Seer must remember between runs and cannot make again. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['XDG_STATE_HOME']
  return join(given && isAbsolute(given) ? given : join(env['HOME'] || homedir(), '.local', 'state'), 'seer')
}

// Without letters and digits that look alike.
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'
const MAX_NAME = 32

/** Makes `2026-11-23-sandbox-intro-k3f9` in `outputDir`. Two at once get two folders. */
export function newRunFolder(outputDir: string, experiment: string, now: Date): string {
  const name = slug(experiment)
  for (;;) {
    const ending = Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
    const folder = resolve(outputDir, `${localDate(now)}-${name}-${ending}`)
    try {
      makeFolder(resolve(outputDir))
      mkdirSync(folder)
      return folder
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST' && existsSync(folder)) continue
      throw new SeerError('output-dir-unusable', {
        message: `No run folder can be made in ${outputDir}: ${describeError(error)}`,
        hint: 'Choose a folder that you can write to with --output-dir.',
        cause: error,
      })
    }
  }
}

/**
 * With its parents. Node's own `recursive` goes round for ever where a folder says that it is not there while its parent is,
 * as /proc does and some network mounts do.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** The folder of a run, by its path, its name, the start or the end of its name, or `latest`. */
export function resolveRun(run: string, outputDir: string): string {
  if (isRun(resolve(run)) && /[/\\]|^\.+$/.test(run)) return resolve(run)
  const runs = listRuns(outputDir)
  const found = run === 'latest' ? runs.slice(0, 1) : matching(run, runs)
  if (found.length === 1) return join(resolve(outputDir), found[0]!)
  if (found.length === 0 && isRun(resolve(run))) return resolve(run)
  if (found.length > 1) {
    throw new SeerError('run-ambiguous', {
      message: `"${run}" could be any of ${found.length} runs in ${outputDir}.`,
      hint: `Say which: ${found.slice(0, 5).join(', ')}${found.length > 5 ? ', …' : ''}`,
    })
  }
  if (runs.length === 0) {
    throw new SeerError('run-unknown', {
      message: `There are no runs in ${resolve(outputDir)}.`,
      hint: `Give the path of a run folder, or the folder that holds them with --output-dir. To make one: ${seerCommand(['run', 'sandbox-intro'], { outputDir })}`,
    })
  }
  throw new SeerError('run-unknown', {
    message: `There is no run "${run}" in ${outputDir}${didYouMean(run, [...runs, 'latest'])}`,
    hint: `\`${seerCommand(['list'], { outputDir })}\` shows the runs that there are.`,
  })
}

/** The names of the runs in a folder, the one that began last first. */
export function listRuns(outputDir: string): string[] {
  let names: string[]
  try {
    names = readdirSync(outputDir, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [] : [entry.name]))
  } catch {
    return []
  }
  const runs = names
    .filter((name) => isRun(join(outputDir, name)))
    .map((name) => ({ name, began: beganAt(join(outputDir, name)) }))
  return runs
    .sort((a, b) => (a.began === b.began ? (a.name < b.name ? 1 : -1) : a.began < b.began ? 1 : -1))
    .map(({ name }) => name)
}

function isRun(folder: string): boolean {
  return statSync(join(folder, 'events.jsonl'), { throwIfNoEntry: false })?.isFile() === true
}

function matching(run: string, runs: string[]): string[] {
  const name = basename(run)
  if (runs.includes(name)) return [name]
  return name === '' ? [] : runs.filter((known) => known.startsWith(name) || known.endsWith(`-${name}`))
}

/** The time of the first event; of a run without any, the date in its name. */
function beganAt(folder: string): string {
  const file = openSync(join(folder, 'events.jsonl'), 'r')
  try {
    const bytes = Buffer.alloc(4096)
    const start = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
    return /"at":"([^"]+)"/.exec(start)?.[1] ?? basename(folder).slice(0, 10)
  } finally {
    closeSync(file)
  }
}

function slug(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
  return plain.slice(0, MAX_NAME).replace(/^-+|-+$/g, '') || 'run'
}

function localDate(now: Date): string {
  const [year, month, day] = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) =>
    String(n).padStart(2, '0'),
  )
  return `${year}-${month}-${day}`
}
