/** `seer stop`: ends a run that goes on as the first Ctrl-C at its terminal does, and waits until it has ended. */
import { basename, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeerError } from '../errors.ts'
import { connectControl } from '../run/control.ts'
import { readLock } from '../run/lock.ts'
import { listRuns, resolveRun } from '../run/paths.ts'
import { seerCommand } from '../seer-command.ts'
import { readRunFacts } from './run-facts.ts'
import type { ShownStatus } from './run-status.ts'
import { exitCodes } from './settings.ts'

/** A sandbox that does not answer is ended by force well before. */
const PATIENCE_MS = 60_000
const POLL_MS = 50

export interface StopOptions {
  outputDir: string
  json?: boolean
}

export async function stopCommand(run: string | undefined, { outputDir, json = false }: StopOptions): Promise<void> {
  const folder = run === undefined ? onlyLiveRun(outputDir) : resolveRun(run, outputDir)
  const name = basename(folder)
  const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`)
  if (!isLive(folder)) {
    const { status } = await readRunFacts(folder)
    say(`${name} has ended already: ${status}.${afterCrash(status, folder)}`)
    return tell(folder, status, json)
  }
  await askToStop(folder)
  say(`${name} was asked to stop; it is saving.`)
  const status = (await hasEnded(folder)) ? (await readRunFacts(folder)).status : 'running'
  if (status === 'running') {
    process.stderr.write(`seer: ${name} has not ended yet. What it does outside of Seer is up to its own code.\n`)
    process.exitCode = exitCodes.failed
  } else say(`${name} has ended: ${status}.${afterCrash(status, folder)}`)
  tell(folder, status, json)
}

async function askToStop(folder: string): Promise<void> {
  try {
    using control = await connectControl(folder, { from: 'command' })
    await control.stop()
  } catch (error) {
    // It ended by itself in between, or is just about to.
    if (!(error instanceof SeerError && (error.code === 'run-ended' || error.code === 'run-not-live'))) throw error
  }
}

async function hasEnded(folder: string): Promise<boolean> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await sleep(POLL_MS))
    if (!isLive(folder)) return true
  return false
}

const isLive = (folder: string) => readLock(folder)?.alive === true

function onlyLiveRun(outputDir: string): string {
  const live = listRuns(outputDir).filter((name) => isLive(join(outputDir, name)))
  if (live.length === 1) return resolve(outputDir, live[0]!)
  if (live.length === 0) throw new SeerError('run-unknown', { message: `No run in ${resolve(outputDir)} goes on now.` })
  throw new SeerError('run-ambiguous', {
    message: `${live.length} runs go on in ${resolve(outputDir)}.`,
    hint: `Say which: ${live.join(', ')}`,
  })
}

function afterCrash(status: ShownStatus, folder: string): string {
  if (status !== 'crashed') return ''
  return ` \`${seerCommand(['gc'], { outputDir: join(folder, '..') })}\` saves the rest.`
}

function tell(folder: string, status: ShownStatus, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ run: basename(folder), folder, status })}\n`)
}
