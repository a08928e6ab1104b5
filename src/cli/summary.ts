/** What `seer run` says at its start and at its end. */
import { relative } from 'node:path'
import pc from 'picocolors'
import type { RunOutcome } from '../experiment/run-experiment.ts'
import { recordedText } from '../harness/story/agent-story.ts'
import type { AnsweredBy } from '../run/events.ts'
import type { Summary } from '../run/fold-summary.ts'

interface StartFacts {
  readonly folder: string
  readonly provider: string
  readonly why: string
  readonly recorded: AnsweredBy | undefined
}

export function startLines({ folder, provider, why, recorded }: StartFacts): string {
  const words = recorded
    ? pc.yellow(`Provider: ${recordedText(recorded)} (${why}).`)
    : `Provider: ${provider} (${why}).`
  const unconfined = pc.yellow('Sandbox: local, NOT confined: the agent’s code runs with your rights on this machine.')
  return [words, unconfined, `Run: ${shortPath(folder)}`].join('\n')
}

export function runSummary({ folder, status, summary, recordedTo }: RunOutcome): string {
  const { cells, findings } = summary
  const colour = status === 'completed' ? pc.green : status === 'interrupted' ? pc.yellow : pc.red
  const facts: [string, string][] = [
    ['status', colour(status)],
    ['agent', summary.recorded[0] ? recordedText(summary.recorded[0]) : (summary.provider ?? 'none')],
    ['sandbox', summary.confinement === 'none' ? 'local, not confined' : `local, ${summary.confinement}`],
    ['cells', `${cells.started} run, ${cells.failed} failed, ${cells.superseded} superseded (and ${cells.hidden} of the set-up)`],
    ['findings', findings === 0 ? 'none' : `${findings}, the agent’s claim`],
    ['duration', `${(summary.durationMs / 1000).toFixed(1)} s`],
    ['notebook', shortPath(`${folder}/notebook.ipynb`)],
    ['log', shortPath(`${folder}/events.jsonl`)],
    ['results', shortPath(`${folder}/results`)],
    ...(recordedTo === undefined ? [] : ([['recording', shortPath(recordedTo)]] as [string, string][])),
  ]
  return ['', ...facts.map(([name, value]) => `${name.padEnd(10)}${value}`)].join('\n')
}

/** The last line under `--json`. */
export function summaryJson({ folder, status, summary }: Pick<RunOutcome, 'folder' | 'status' | 'summary'>): string {
  return JSON.stringify({ run: summary.run, folder, status, ...countsOf(summary) })
}

export function countsOf({ cells, findings, durationMs, usage, provider, recorded, confinement, lost, drift }: Summary) {
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
    durationMs,
  }
}

function shortPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short || '.'
}
