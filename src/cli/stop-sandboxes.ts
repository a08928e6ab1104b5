/** `seer sandboxes stop`: ends sandboxes that no living process uses, with what they had printed saved where a run is there for it. */
import { basename } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { knownSandboxes, type KnownSandbox } from '../environment/known-sandboxes.ts'
import { removeSandbox } from '../environment/remove-dead.ts'
import { recoverRun } from '../kernel/recover.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { sandboxesFolder } from '../sandbox/local/sandbox-folder.ts'
import { seerCommand } from '../seer-command.ts'
import { exitCodes } from './settings.ts'
import { openTerminal } from './terminal.ts'

export interface StopSandboxesOptions {
  readonly all?: boolean
  readonly json?: boolean
}

export async function stopSandboxesCommand(ids: readonly string[], options: StopSandboxesOptions): Promise<void> {
  const known = await knownSandboxes()
  const wanted = options.all ? known : [...new Set(ids)].map((id) => find(id, known))
  if (wanted.length === 0 && !options.all)
    throw new SeerError('invalid-options', {
      message: 'Which sandbox is to be stopped?',
      hint: 'Give its id, or --all.',
    })
  const terminal = openTerminal()
  let failed = 0
  let stopped = 0
  for (const sandbox of wanted) {
    const { id } = sandbox
    try {
      const how = await stop(sandbox)
      stopped += 1
      if (options.json) terminal.printLine({ ...about(sandbox), status: 'stopped' })
      else terminal.say(neutralise(`${id}: ${how}.`))
    } catch (error) {
      // Of all, those that are in use are not meant.
      const isUsed = error instanceof SeerError && error.code === 'sandbox-in-use'
      if (!(isUsed && options.all)) failed += 1
      const { code, message } =
        error instanceof SeerError ? error : { code: 'unexpected', message: describeError(error) }
      if (options.json) terminal.printLine({ ...about(sandbox), status: 'problem', error: { code, message } })
      else terminal.printRaw(`${neutralise(`${id}: ${describeError(error)}`)}\n`)
    }
  }
  if (options.json) {
    const status = failed > 0 ? 'problem' : 'ok'
    terminal.printLine({ run: null, folder: sandboxesFolder(), status, sandboxes: stopped, problems: failed })
  } else if (wanted.length === 0) terminal.say('There are no sandboxes on this machine.')
  if (failed > 0) process.exitCode = exitCodes.failed
}

function find(id: string, known: readonly KnownSandbox[]): KnownSandbox {
  const found = known.find((one) => one.id === id)
  if (found) return found
  throw new SeerError('sandbox-unknown', {
    message: `There is no sandbox ${JSON.stringify(id)} on this machine.`,
    hint: known.length > 0 ? `There is: ${known.map((one) => one.id).join(', ')}.` : 'There is none at all.',
  })
}

function about({ id, use, facts }: KnownSandbox) {
  const folder = 'run' in use ? use.run : (facts?.run ?? null)
  return { sandbox: id, run: folder === null ? null : basename(folder), folder }
}

/** Returns what was done, in words. */
async function stop(sandbox: KnownSandbox): Promise<string> {
  const { use } = sandbox
  if (use.state === 'used') throw inUse(use, sandbox.pid !== undefined)
  if (use.state === 'elsewhere')
    throw new SeerError('sandbox-elsewhere', { message: `It runs on another machine, ${use.machine}: stop it there.` })
  if (use.state === 'crashed') {
    const recovery = await recoverRun(use.run)
    const problem = recovery?.problems[0]
    if (problem !== undefined) throw new SeerError('sandbox-not-saved', { message: problem })
    return `ended; what it had printed is saved in ${basename(use.run)}, whose process had crashed`
  }
  const removed = await removeSandbox(sandbox, mayBeStopped)
  if (removed) return 'ended'
  throw new SeerError('sandbox-in-use', { message: 'It is just being started or taken up.', hint: 'Try again.' })
}

function mayBeStopped({ use }: KnownSandbox): string | undefined {
  const isFree = use.state === 'detached' || use.state === 'left' || (use.state === 'half-made' && use.isOld)
  return isFree ? 'it was stopped' : undefined
}

function inUse({ run, pid }: { run: string; pid: number }, isAlive: boolean): SeerError {
  return new SeerError('sandbox-in-use', {
    message: `It is used by the run ${basename(run)}, which process ${pid} writes.`,
    hint: `\`${seerCommand(['stop', run])}\` ends that run, with all of its sandboxes${isAlive ? '' : '; the host of this one is gone already'}.`,
  })
}
