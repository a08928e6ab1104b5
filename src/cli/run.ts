/** `seer run`. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import pc from 'picocolors'
import { asExperiment } from '../experiment/experiment.ts'
import { runExperiment, type RunOutcome } from '../experiment/run-experiment.ts'
import { SeerError } from '../errors.ts'
import { findExperiment } from './find-experiment.ts'
import { onInterrupt, type Interrupts } from './interrupts.ts'
import { loadExperiment } from './load.ts'
import { reportAtEnd } from './report.ts'
import { openRunPage, type RunPage } from './run-page.ts'
import { exitCodeOf, exitCodes } from './settings.ts'
import { runSummary, startLines, summaryJson } from './summary.ts'
import { errorText } from './terminal.ts'
import { timingsTable } from './timings.ts'
import { recoverAll } from '../kernel/recover-all.ts'
import { seerCommand } from '../seer-command.ts'
import { recoverBefore } from './gc.ts'

export interface RunOptions {
  profile?: string
  set: string[]
  provider?: string
  subject?: string
  agentModel?: string
  budget: number | 'none'
  record?: string | true
  answeredBy?: string
  blind?: boolean
  recording?: string
  unconfined?: boolean
  timings?: boolean
  view?: boolean
  port?: number
  outputDir: string
  json?: boolean
}

export async function runCommand(nameOrPath: string, options: RunOptions): Promise<void> {
  const quiet = options.json === true
  const say = (text: string) => void (quiet ? process.stderr : process.stdout).write(`${text}\n`)
  const found = findExperiment(nameOrPath)
  const experiment = asExperiment(await loadExperiment(found), found)
  const folder = statSync(found).isDirectory() ? found : dirname(found)
  await recoverBefore(async () => (await recoverAll(options.outputDir)).recoveries, say)
  const interrupt = onInterrupt(options.outputDir)
  const page = options.view ? await openPage(options, interrupt) : undefined
  // Node ends a process that only awaits a promise: a run ends when it says so.
  const awake = setInterval(() => undefined, 60_000)
  const { outputDir, set, budget: budgetUsd } = options
  const optional = pick(options, [
    'profile',
    'subject',
    'provider',
    'agentModel',
    'record',
    'answeredBy',
    'blind',
    'recording',
    'unconfined',
  ])
  const outcome = await runExperiment({
    experiment,
    folder,
    set,
    outputDir,
    budgetUsd,
    ...optional,
    outside: { onWait: ({ id }) => sayWaiting(id, options), gone: parentGone() },
    quiet,
    signal: interrupt.signal,
    onStart: (facts) => {
      interrupt.attach(facts.run)
      say(startLines({ ...facts, hasKeys: interrupt.hasKeys }))
      if (page) say(page.line(facts.folder))
    },
  }).finally(() => {
    clearInterval(awake)
    interrupt.detach()
  })
  if (outcome.drift !== undefined) say(outcome.drift)
  if (options.timings) say(await timingsTable(outcome.folder))
  if (outcome.error !== undefined && outcome.status === 'failed') {
    process.stderr.write(`\n${pc.red(errorText(outcome.error))}\n`)
    if (!(outcome.error instanceof SeerError) && outcome.error instanceof Error)
      process.stderr.write(`${outcome.error.stack ?? ''}\n`)
  }
  await reportAtEnd(outcome.folder, say)
  say(runSummary(outcome))
  if (quiet) process.stdout.write(`${summaryJson(outcome)}\n`)
  process.exitCode = exitCode(outcome)
  await page?.end(outcome.folder, { mayStay: !quiet && !interrupt.signal.aborted, say })
}

/** Before the run, so that what is wrong with it is known before anything is spent. */
function openPage({ outputDir, port }: RunOptions, interrupt: Interrupts): Promise<RunPage> {
  return openRunPage({ outputDir, port, signal: interrupt.signal }).catch((error: unknown) => {
    interrupt.detach()
    throw error
  })
}

/** On stderr: it is for a person, and not part of the story. */
function sayWaiting(run: string, { outputDir }: RunOptions): void {
  if (process.channel) return
  process.stderr.write(`seer: waiting for an agent: give its client the command \`${seerCommand(['mcp', run])}\`.\n`)
  process.stderr.write(`seer: or end the run: \`${seerCommand(['stop', run], { outputDir })}\`.\n`)
}

/** Aborted when the process that started this one for an agent from outside has ended, however it did. */
function parentGone(): AbortSignal {
  const gone = new AbortController()
  if (process.channel) {
    process.once('disconnect', () => gone.abort())
    // The run does not go on for it.
    process.channel.unref()
  }
  return gone.signal
}

function exitCode({ status, summary, error }: RunOutcome): number {
  const isLimited = summary.ends.some(({ reason }) => reason === 'limit')
  if (status === 'completed') return isLimited ? exitCodes.limit : exitCodes.ok
  if (status === 'interrupted') return exitCodes.interrupted
  return error instanceof SeerError ? exitCodeOf(error.code) : exitCodes.failed
}

function pick<T extends object, K extends keyof T>(
  from: T,
  keys: readonly K[],
): { [P in K]?: Exclude<T[P], undefined> } {
  return Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]]))) as {
    [P in K]?: Exclude<T[P], undefined>
  }
}
