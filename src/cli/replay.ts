/** `seer replay`: runs the cells of a run again, and says which of them put out something else. */
import { basename, dirname, resolve } from 'node:path'
import { fineDuration, plural, size } from '../amounts.ts'
import { SeerError } from '../errors.ts'
import { replayRun, type ReplayOutcome } from '../experiment/replay/replay.ts'
import { computeText } from '../harness/story/drift-table.ts'
import { clip, widthOf } from '../harness/story/columns.ts'
import { inline, type Look } from '../harness/story/look.ts'
import { resolveRun } from '../run/paths.ts'
import { seerCommand } from '../seer-command.ts'
import { errorFields } from './error-json.ts'
import { onInterrupt } from './interrupts.ts'
import { reportAtEnd } from './report.ts'
import { exitCodeOf, exitCodes } from './settings.ts'
import { shortPath } from './short-path.ts'
import { errorText, heading, openTerminal, type Terminal } from './terminal.ts'

export interface ReplayOptions {
  all?: boolean
  trust?: boolean
  unconfined?: boolean
  env: string[]
  model: string[]
  rtol?: number
  outputDir: string
  json?: boolean
}

const WORDS = { exact: 'exact', 'within-tolerance': 'within tolerance', differs: 'differs', missing: 'missing' }

export async function replayCommand(which: string, options: ReplayOptions): Promise<void> {
  const { outputDir, json = false, all = false, trust = false, unconfined = false, rtol } = options
  const folder = resolve(resolveRun(which, outputDir))
  const env = assignments(options.env, '--env')
  const models = assignments(options.model, '--model')
  const terminal = openTerminal(json ? process.stderr : process.stdout)
  const interrupt = onInterrupt(outputDir)
  // Node ends a process that only awaits a promise.
  const awake = setInterval(() => undefined, 60_000)
  const outcome = await replayRun({
    folder,
    outputDir,
    all,
    trust,
    unconfined,
    env,
    models,
    ...(rtol === undefined ? {} : { rtol }),
    signal: interrupt.signal,
    onStart: ({ run, source, notRepeated }) => {
      interrupt.attach(run)
      terminal.say(`Replaying ${inline(source.run, 80)}: ${all ? 'all cells that ran' : 'what its notebook shows'}.`)
      for (const what of notRepeated) terminal.say(`Not repeated: ${what}.`)
      terminal.printRaw(`Run: ${shortPath(run.folder)}\n`)
    },
    onCell: ({ cell, fresh, status, durationMs }) => {
      const { dim } = terminal.look.colors
      terminal.print([`${inline(cell, 12)} ${dim('→')} ${fresh} ${status} ${dim(`· ${fineDuration(durationMs)}`)}`])
    },
  }).finally(() => {
    clearInterval(awake)
    interrupt.detach()
  })
  tell(terminal, outcome)
  if (outcome.error !== undefined && outcome.status === 'failed')
    process.stderr.write(`\n${terminal.look.colors.red(errorText(outcome.error))}\n`)
  await reportAtEnd(outcome.folder, (text) => terminal.say(text))
  if (json) openTerminal().printLine(jsonOf(folder, outcome))
  process.exitCode = exitCode(outcome)
}

/** Those that did not come out the same, each with its size then and now and the largest relative difference of its numbers. */
function tell(terminal: Terminal, { folder, cells, left, recorded, fresh, rtol, status }: ReplayOutcome): void {
  const { look } = terminal
  const { colors } = look
  const counts = (['exact', 'within-tolerance', 'differs', 'missing'] as const).flatMap((verdict) => {
    const n = cells.filter((cell) => cell.verdict === verdict).length
    const paint = verdict === 'differs' || verdict === 'missing' ? colors.yellow : colors.green
    return n > 0 ? [paint(`${n} ${WORDS[verdict]}`)] : []
  })
  terminal.print(heading(look, 'Then and now'))
  terminal.print([
    `${plural(cells.length, 'cell')} compared, relative tolerance ${rtol.toExponential(0)}: ${counts.join(' · ') || 'none'}`,
    ...cells.filter(({ verdict }) => verdict !== 'exact').flatMap((cell) => rows(look, cell)),
    ...left.map(({ cell, why }) => colors.dim(`${inline(cell, 14)} not run: ${inline(why, 120)}`)),
  ])
  const [then, now] = [computeText(recorded), computeText(fresh)]
  terminal.print(
    then === now ? [colors.dim(`both on ${then}`)] : [colors.dim(`then on ${then}`), colors.dim(`now on  ${now}`)],
  )
  if (status === 'completed')
    terminal.say(`All of it: ${seerCommand(['show', basename(folder)], { outputDir: dirname(folder) })}`)
}

function rows(
  look: Look,
  { cell, verdict, largestRelative, detail, bytes: [then, now] }: ReplayOutcome['cells'][number],
): string[] {
  const { colors } = look
  const id = inline(cell, 14)
  const facts = [
    now === null ? size(then) : then === now ? size(then) : `${size(then)} → ${size(now)}`,
    ...(largestRelative === null ? [] : [`largest relative difference ${largestRelative.toExponential(1)}`]),
  ]
  const word = verdict === 'within-tolerance' ? WORDS[verdict] : colors.yellow(WORDS[verdict])
  const first = clip(`${id} ${word} ${colors.dim(`· ${facts.join(' · ')}`)}`, look.width)
  const pad = ' '.repeat(widthOf(id))
  return detail === undefined ? [first] : [first, clip(`${pad} ${colors.dim('│')} ${inline(detail, 300)}`, look.width)]
}

function jsonOf(source: string, { folder, status, cells, left, recorded, fresh, rtol, error }: ReplayOutcome) {
  const counts = { exact: 0, 'within-tolerance': 0, differs: 0, missing: 0 }
  for (const { verdict } of cells) counts[verdict] += 1
  const changed = cells.filter(({ verdict }) => verdict !== 'exact')
  const why = status === 'failed' && error !== undefined ? { error: errorFields(error) } : {}
  return {
    run: basename(folder),
    folder,
    status,
    replays: basename(source),
    cells: counts,
    changed,
    left,
    rtol,
    recorded,
    fresh,
    ...why,
  }
}

function exitCode({ status, error, cells }: ReplayOutcome): number {
  if (status === 'interrupted') return exitCodes.interrupted
  if (status === 'failed') return error instanceof SeerError ? exitCodeOf(error.code) : exitCodes.failed
  const isSame = cells.every(({ verdict }) => verdict === 'exact' || verdict === 'within-tolerance')
  return isSame ? exitCodes.ok : exitCodes.differs
}

function assignments(given: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=')
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
      throw new SeerError('invalid-options', { message: `${option} ${text}: it is NAME=value.` })
    }),
  )
}
