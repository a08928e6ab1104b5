/** `seer gc`, and what `run` and `show` do of it by themselves. */
import { resolve } from 'node:path'
import { describeError } from '../errors.ts'
import { recoverAll } from '../kernel/recover-all.ts'
import type { Recovery } from '../kernel/recover.ts'
import { exitCodes } from './settings.ts'

export async function gcCommand(options: { outputDir: string; json?: boolean }): Promise<void> {
  const recoveries = await recoverAll(options.outputDir)
  const problems = recoveries.flatMap((recovery) => recovery.problems).length
  if (options.json) {
    const line = (value: object) => void process.stdout.write(`${JSON.stringify(value)}\n`)
    for (const { folder, ...recovery } of recoveries) line({ ...recovery, folder: resolve(folder), status: 'crashed' })
    line({ run: null, folder: null, status: problems > 0 ? 'problem' : 'ok', runs: recoveries.length, problems })
  } else if (recoveries.length === 0) process.stdout.write('Nothing to clean up.\n')
  else tellRecoveries(recoveries, (text) => process.stdout.write(`${text}\n`))
  if (problems > 0) process.exitCode = exitCodes.failed
}

/** Recovery before another command: what it could not do is told, and does not stop that command. */
export async function recoverBefore(recover: () => Promise<Recovery[]>, say: (text: string) => void): Promise<void> {
  try {
    tellRecoveries(await recover(), say)
  } catch (error) {
    say(`Crashed runs could not be looked after: ${describeError(error)}`)
  }
}

function tellRecoveries(recoveries: readonly Recovery[], say: (text: string) => void): void {
  for (const { run, recovered, problems } of recoveries) {
    say(
      `The run ${run} had crashed: ${recovered === 1 ? '1 event was' : `${recovered} events were`} saved from its sandbox, which has been ended.`,
    )
    for (const problem of problems) say(`  ${problem}`)
  }
}
