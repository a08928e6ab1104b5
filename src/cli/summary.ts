/** What `seer run` says at its start and at its end. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import pc from 'picocolors'
import type { RunOutcome } from '../experiment/run-experiment.ts'
import { recordedText } from '../harness/story/agent-story.ts'
import { duration, plural, usd } from '../amounts.ts'
import { breakWords } from '../harness/story/columns.ts'
import { showCommand } from '../harness/story/hint.ts'
import { lookOf } from '../harness/story/look.ts'
import { PRICES_OF } from '../harness/prices.ts'
import type { AnsweredBy } from '../run/events.ts'
import type { Summary } from '../run/fold-summary.ts'
import { errorFields } from './error-json.ts'
import { jsonLine } from './json-line.ts'
import { shortPath } from './short-path.ts'

interface StartFacts {
  readonly run: { readonly start: { readonly confinement: string } }
  readonly folder: string
  readonly provider: string
  readonly why: string
  readonly recorded: AnsweredBy | undefined
  readonly budgetUsd: number | null
  readonly hasKeys: boolean
}

const LABEL = 10

export function startLines(
  { run, folder, provider, why, recorded, budgetUsd, hasKeys }: StartFacts,
  { width } = lookOf(process.stdout),
): string {
  const rows = (text: string, paint = (row: string) => row) => breakWords(text, width).map(paint).join('\n')
  const words = recorded
    ? rows(`Agent: ${recordedText(recorded)} (${why})`, pc.yellow)
    : rows(`Agent: ${provider} (${why}).`)
  const { confinement } = run.start
  const sandbox =
    confinement === 'none'
      ? rows('Sandbox: local, NOT confined: the agent’s code runs with your rights on this machine.', pc.yellow)
      : rows(`Sandbox: local, confined by ${confinement}; no network but hosts that the experiment names.`)
  const budget =
    budgetUsd === null
      ? 'Budget: none.'
      : rows(`Budget: ${usd(budgetUsd)} at list prices of ${PRICES_OF} (--budget <USD>, or none).`)
  const keys = hasKeys ? ['ESC interrupts the agent, Ctrl-C ends the run.'] : []
  return [words, ...(recorded ? [] : [budget]), sandbox, beside('Run: ', shortPath(folder), width), ...keys].join('\n')
}

/** A path is never broken: one that does not fit stands on a line of its own. */
function beside(label: string, path: string, width: number): string {
  return label.length + path.length <= width ? `${label}${path}` : `${label.trimEnd()}\n${path}`
}

export function runSummary(
  { folder, status, summary, recordedTo }: RunOutcome,
  { width } = lookOf(process.stdout),
): string {
  const { findings } = summary
  const colour = status === 'completed' ? pc.green : status === 'interrupted' ? pc.yellow : pc.red
  const facts: [string, string][] = [
    ['status', colour(status)],
    ['agent', summary.recorded.length > 0 ? pc.yellow('recorded') : (summary.provider ?? 'none')],
    ['sandbox', summary.confinement === 'none' ? 'local, not confined' : `local, ${summary.confinement}`],
    ['cells', cellsText(summary)],
    ...(summary.calls.made > 0 ? [['calls', callsText(summary)] as [string, string]] : []),
    ...costFacts(summary),
    ['findings', findings === 0 ? 'none' : `${findings}, the agent’s claim`],
    ['duration', duration(summary.durationMs)],
  ]
  const files: [string, string][] = [
    ...(existsSync(`${folder}/report.html`)
      ? ([['report', shortPath(`${folder}/report.html`)]] as [string, string][])
      : []),
    ['notebook', shortPath(`${folder}/notebook.ipynb`)],
    ['log', shortPath(`${folder}/events.jsonl`)],
    ...(filesIn(`${folder}/results`) > 0 ? ([['results', shortPath(`${folder}/results`)]] as [string, string][]) : []),
    ...(recordedTo === undefined ? [] : ([['recording', shortPath(recordedTo)]] as [string, string][])),
  ]
  const rows = [
    ...facts.map(([name, value]) => `${name.padEnd(LABEL)}${value}`),
    ...files.map(([name, path]) => beside(name.padEnd(LABEL), path, width)),
  ]
  const show = showCommand(summary.run ?? basename(folder), folder, [])
  const next = status === 'completed' ? `Open the notebook in Jupyter, or: ${show}` : `What happened: ${show}`
  return ['', ...rows, '', next].join('\n')
}

/** `9 run, 8 ok, 1 failed, 1 replaced, plus 1 set-up cell`. */
/** Of served functions. */
export function callsText({ calls }: Pick<Summary, 'calls'>): string {
  const { made, ok, failed } = calls
  return `${made} of served functions, ${ok} ok${failed > 0 ? `, ${failed} failed` : ''}`
}

export function cellsText({ cells }: Pick<Summary, 'cells'>): string {
  const { started, ok, failed, interrupted, stopped, unknown, detached = 0, superseded, hidden } = cells
  const parts = [
    `${started} run`,
    `${ok} ok`,
    `${failed} failed`,
    ...(interrupted > 0 ? [`${interrupted} interrupted`] : []),
    ...(stopped > 0 ? [`${stopped} stopped`] : []),
    ...(unknown > 0 ? [`${unknown} without an end`] : []),
    ...(detached > 0 ? [`${detached} left running`] : []),
    ...(superseded > 0 ? [`${superseded} replaced`] : []),
    ...(hidden > 0 ? [`plus ${plural(hidden, 'set-up cell')}`] : []),
  ]
  return parts.join(', ')
}

export function filesIn(folder: string): number {
  try {
    return readdirSync(folder).length
  } catch {
    return 0
  }
}

function costFacts(summary: Summary): [string, string][] {
  const stopped = summary.ends.flatMap(({ agent, reason, detail }): [string, string][] =>
    reason !== 'limit'
      ? []
      : [['ended', `${agent.replace('agent:', '')}: ${reason}${detail === undefined ? '' : ` (${detail})`}`]],
  )
  return summary.usage.outputTokens === 0 ? stopped : [['cost', costText(summary)], ...stopped]
}

/** What a live agent's answers cost, as far as that is known. */
export function costText({ costUsd, budgetUsd }: Pick<Summary, 'costUsd' | 'budgetUsd'>): string {
  const cost = costUsd === null ? 'unknown: a price is missing' : `${usd(costUsd)} at list prices`
  return budgetUsd === null ? cost : `${cost}, of a budget of ${usd(budgetUsd)}`
}

/** The last line under `--json`. */
export function summaryJson({ folder, status, summary, error }: RunOutcome): string {
  const failure = status === 'failed' && error !== undefined ? errorFields(error) : null
  return jsonLine({ run: summary.run, folder: resolve(folder), status, ...countsOf(summary), error: failure })
}

export function countsOf({
  cells,
  findings,
  durationMs,
  usage,
  costUsd,
  ends,
  provider,
  recorded,
  confinement,
  lost,
  drift,
}: Summary) {
  return {
    provider,
    recorded: recorded.length > 0,
    confinement,
    cells: cells.started,
    errors: cells.failed,
    superseded: cells.superseded,
    findings,
    outputLost: lost.messages,
    drift,
    usage,
    costUsd,
    limit: ends.find(({ reason }) => reason === 'limit')?.detail ?? null,
    durationMs,
  }
}
