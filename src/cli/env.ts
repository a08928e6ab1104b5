/** `seer env`: the Python environments in the cache. */
import { dateTime, plural, size } from '../amounts.ts'
import { environmentsFolder } from '../environment/build-environment.ts'
import { cacheRoot } from '../environment/cache.ts'
import {
  chooseEnvironments,
  listEnvironments,
  removeEnvironment,
  unusedOf,
  type ListedEnvironment,
} from '../environment/environments.ts'
import { SeerError } from '../errors.ts'
import type { Output } from '../harness/safe-writer.ts'
import { inline, type Look } from '../harness/story/look.ts'
import { exitCodes } from './settings.ts'
import { openTerminal } from './terminal.ts'

interface Options {
  readonly json?: boolean | undefined
  readonly out?: Output
  readonly color?: boolean
  readonly env?: NodeJS.ProcessEnv
}

const terminalOf = ({ out, color }: Options) => openTerminal(out, color === undefined ? {} : { color })

export async function listEnvironmentsCommand(options: Options = {}): Promise<number> {
  const terminal = terminalOf(options)
  const all = await listEnvironments(options)
  if (options.json) {
    for (const one of all) terminal.printLine(factsOf(one))
    terminal.printLine(last(options, { environments: all.length, megabytes: sum(all) }))
  } else if (all.length === 0) terminal.say(`There are no environments in ${folderOf(options)}.`)
  else {
    terminal.print(all.flatMap((one) => rows(one, terminal.look)))
    terminal.say(`${plural(all.length, 'environment')}, ${sizeOf(sum(all))}, in ${folderOf(options)}`)
  }
  return exitCodes.ok
}

export async function removeEnvironmentsCommand(
  ids: readonly string[],
  options: Options & { readonly unused?: boolean | undefined } = {},
): Promise<number> {
  if ((ids.length === 0) === !options.unused) {
    throw new SeerError('invalid-options', {
      message: options.unused ? 'Give either ids or --unused, not both.' : 'Which environment is to be removed?',
      hint: 'Give ids of `seer env ls`, or --unused for all that no sandbox uses.',
    })
  }
  const terminal = terminalOf(options)
  const all = await listEnvironments(options)
  // All of them are looked for before the first one goes.
  const chosen = options.unused ? unusedOf(all) : chooseEnvironments(all, ids)
  const removed: ListedEnvironment[] = []
  const kept: ListedEnvironment[] = []
  for (const one of chosen) {
    const isGone = await removeEnvironment(one, options)
    ;(isGone ? removed : kept).push(one)
    if (options.json) continue
    terminal.say(
      isGone
        ? `Removed ${inline(one.id, 60)}, ${sizeOf(one.megabytes)}.`
        : `${inline(one.id, 60)} was kept: somebody has begun to use it.`,
    )
  }
  if (options.json) {
    const idsOf = (list: readonly ListedEnvironment[]) => list.map(({ id }) => id)
    terminal.printLine(last(options, { removed: idsOf(removed), kept: idsOf(kept), megabytes: sum(removed) }))
  } else if (chosen.length === 0) terminal.say('There is nothing to remove.')
  return kept.length > 0 ? exitCodes.failed : exitCodes.ok
}

function rows(one: ListedEnvironment, { colors }: Look): string[] {
  const { id, state, packages, megabytes, python, madeAt, usedAt, isStandard, sandboxes } = one
  const states = { ready: '', broken: 'its Python is gone', building: 'being made', unfinished: 'not finished' }
  const words = [
    ...(states[state] === '' ? [] : [colors.yellow(states[state])]),
    ...(isStandard ? [colors.green('the standard one')] : []),
    ...(sandboxes.length > 0 ? [`used by ${inline(sandboxes.join(', '), 60)}`] : []),
  ]
  const facts = [
    ...(packages === undefined ? [] : [plural(packages, 'package')]),
    sizeOf(megabytes),
    ...(python === undefined ? [] : [`Python ${inline(python, 20)}`]),
    ...(usedAt === undefined ? [] : [`used ${dateTime(usedAt.toISOString())}`]),
    ...(madeAt === undefined ? [] : [`made ${dateTime(madeAt.toISOString())}`]),
  ]
  return [[colors.bold(inline(id, 60)), words.join(', ')].join('  ').trimEnd(), `    ${facts.join(' · ')}`]
}

function factsOf({ id, path, state, madeAt, usedAt, ...rest }: ListedEnvironment) {
  const times = { madeAt: madeAt?.toISOString() ?? null, usedAt: usedAt?.toISOString() ?? null }
  const { packages = null, python = null, ...others } = rest
  return { environment: id, folder: path, status: state, packages, python, ...others, ...times }
}

const sum = (all: readonly ListedEnvironment[]) => all.reduce((total, { megabytes }) => total + megabytes, 0)
const sizeOf = (megabytes: number) => size(megabytes * 1e6)
const folderOf = ({ env }: Options) => environmentsFolder(cacheRoot(env))

/** For scripts. */
function last(options: Options, counts: object) {
  return { run: null, folder: folderOf(options), status: 'ok', ...counts }
}
