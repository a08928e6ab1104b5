/** `seer gc`, and what `run` and `show` do of it by themselves. */
import { describeError } from '../errors.ts'
import { recoverAll } from '../kernel/recover-all.ts'
import type { Recovery } from '../kernel/recover.ts'
import { exitCodes } from './settings.ts'

export async function gcCommand(options: { outputDir: string; json?: boolean }): Promise<void> {
  const recoveries = await recoverAll(options.outputDir)
  if (options.json) process.stdout.write(`${JSON.stringify({ recovered: recoveries })}\n`)
  else if (recoveries.length === 0) process.stdout.write('Nothing to clean up.\n')
  else tellRecoveries(recoveries, (text) => process.stdout.write(`${text}\n`))
  if (recoveries.some(({ problems }) => problems.length > 0)) process.exitCode = exitCodes.failed
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
    say(`The run ${run} had crashed: ${recovered} events were saved from its sandbox, which has been ended.`)
    for (const problem of problems) say(`  ${problem}`)
  }
}
