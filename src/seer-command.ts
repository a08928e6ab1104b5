/** A command line of Seer's that can be pasted: called as the user called it, on the folder of runs that is meant. */
import { basename, delimiter, dirname, relative, resolve } from 'node:path'

export interface CommandContext {
  /** The folder of runs; named in the command unless it is the default one. */
  readonly outputDir?: string | undefined
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

export function seerCommand(args: readonly string[], context: CommandContext = {}): string {
  const { outputDir, env = process.env, cwd = process.cwd() } = context
  const isDefault = outputDir === undefined || resolve(cwd, outputDir) === resolve(cwd, 'outputs')
  const where = isDefault ? [] : ['--output-dir', shorter(resolve(cwd, outputDir), cwd)]
  return [calledAs(env), ...[...args, ...where].map(quoted)].join(' ')
}

/** The launcher says how it was called. A name that was found on the PATH is typed without its folder. */
function calledAs(env: NodeJS.ProcessEnv): string {
  const called = env['SEER_COMMAND']
  if (!called) return 'seer'
  const isOnPath = (env['PATH'] ?? '').split(delimiter).includes(dirname(called))
  return isOnPath ? basename(called) : quoted(called)
}

function shorter(path: string, cwd: string): string {
  const fromHere = relative(cwd, path) || '.'
  return fromHere.length < path.length && !fromHere.startsWith('../..') ? fromHere : path
}

/** For a POSIX shell. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}
