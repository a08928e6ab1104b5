/** `seer gc`, and what `run` and `show` do of it by themselves. */
import { basename, resolve } from 'node:path'
import { describeError } from '../errors.ts'
import type { Removed } from '../environment/remove-dead.ts'
import { recoverAll } from '../kernel/recover-all.ts'
import type { Recovery } from '../kernel/recover.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { openTerminal } from './terminal.ts'
import { exitCodes } from './settings.ts'

export async function gcCommand(options: { outputDir: string; json?: boolean }): Promise<void> {
  const { recoveries, removed, problems: ofRemoval } = await recoverAll(options.outputDir)
  const problems = recoveries.flatMap((recovery) => recovery.problems).length + ofRemoval.length
  const terminal = openTerminal()
  if (options.json) {
    for (const { folder, ...recovery } of recoveries)
      terminal.printLine({ ...recovery, folder: resolve(folder), status: 'crashed' })
    for (const { run, ...one } of removed)
      terminal.printLine({ run: run === null ? null : basename(run), folder: run, status: 'removed', ...one })
    const status = problems > 0 ? 'problem' : 'ok'
    terminal.printLine({
      run: null,
      folder: null,
      status,
      runs: recoveries.length,
      sandboxes: removed.length,
      problems,
    })
    for (const problem of ofRemoval) process.stderr.write(`seer: ${neutralise(problem)}\n`)
  } else {
    const say = (text: string) => terminal.printRaw(`${neutralise(text)}\n`)
    if (recoveries.length + removed.length + problems === 0) say('Nothing to clean up.')
    tellRecoveries(recoveries, say)
    tellRemoved(removed, say)
    for (const problem of ofRemoval) say(`  ${problem}`)
  }
  if (problems > 0) process.exitCode = exitCodes.failed
}

/** Recovery before another command: what it could not do is told, and does not stop that command. */
export async function recoverBefore(
  recover: () => Promise<readonly Recovery[]>,
  say: (text: string) => void,
): Promise<void> {
  try {
    tellRecoveries(await recover(), say)
  } catch (error) {
    say(neutralise(`Crashed runs could not be looked after: ${describeError(error)}`))
  }
}

function tellRemoved(removed: readonly Removed[], say: (text: string) => void): void {
  for (const { sandbox, run, why } of removed)
    say(`The sandbox ${sandbox}${run === null ? '' : ` of ${basename(run)}`} was removed: ${why}.`)
}

function tellRecoveries(recoveries: readonly Recovery[], say: (text: string) => void): void {
  for (const { run, recovered, problems } of recoveries) {
    say(
      `The run ${neutralise(run)} had crashed: ${recovered === 1 ? '1 event was' : `${recovered} events were`} saved from its sandbox${problems.length > 0 ? '.' : ', which has been ended.'}`,
    )
    for (const problem of problems) say(`  ${neutralise(problem)}`)
  }
}
