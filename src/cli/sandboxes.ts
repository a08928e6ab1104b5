/** `seer sandboxes`: those on this machine, whose they are and how long they have. */
import { basename } from 'node:path'
import { z } from 'zod'
import { plural, shortDuration, size } from '../amounts.ts'
import { knownSandboxes, type KnownSandbox } from '../environment/known-sandboxes.ts'
import { inline, type Look } from '../harness/story/look.ts'
import { cgroupUse, type CgroupUse } from '../sandbox/local/wall/cgroup-use.ts'
import { sandboxesFolder } from '../sandbox/local/sandbox-folder.ts'
import { seerCommand } from '../seer-command.ts'
import { aligned } from './show-lines.ts'
import { openTerminal } from './terminal.ts'

const attachSchema = z.object({ cgroups: z.array(z.string()).default([]) })

/** For scripts: `in-use`, `detached`, `left` (its run has ended, it has not), `crashed` (its run has), `starting`, `elsewhere`, `ended`. */
export type SandboxStatus = 'in-use' | 'detached' | 'left' | 'crashed' | 'starting' | 'elsewhere' | 'ended'

export async function listSandboxesCommand(options: { json?: boolean } = {}): Promise<void> {
  const terminal = openTerminal()
  const all = (await knownSandboxes()).sort((a, b) => startedAt(a).localeCompare(startedAt(b)))
  if (options.json) {
    for (const one of all) terminal.printLine(factsOf(one))
    terminal.printLine({ run: null, folder: sandboxesFolder(), status: 'ok', sandboxes: all.length })
  } else if (all.length === 0) terminal.say('There are no sandboxes on this machine.')
  else {
    terminal.print(aligned(all.map((one) => row(terminal.look, one))))
    const dead = all.filter((one) => ['crashed', 'ended', 'left'].includes(statusOf(one)))
    if (dead.length > 0)
      terminal.say(
        `\`${seerCommand(['gc'])}\` saves what can be saved of ${plural(dead.length, 'dead one')}, and removes ${dead.length === 1 ? 'it' : 'them'}.`,
      )
  }
}

export function statusOf({ use, pid }: KnownSandbox): SandboxStatus {
  if (use.state === 'used') return 'in-use'
  if (use.state === 'crashed' || use.state === 'elsewhere') return use.state
  if (use.state === 'half-made') return use.isOld ? 'ended' : 'starting'
  return pid === undefined ? 'ended' : use.state
}

function startedAt({ facts }: KnownSandbox): string {
  return facts?.startedAt ?? ''
}

function useOf({ facts, pid }: KnownSandbox): CgroupUse {
  return pid === undefined ? {} : cgroupUse(attachSchema.safeParse(facts?.attach).data?.cgroups ?? [])
}

function factsOf(sandbox: KnownSandbox) {
  const { id, use, pid, facts } = sandbox
  const folder = 'run' in use ? use.run : (facts?.run ?? null)
  return {
    sandbox: id,
    run: folder === null ? null : basename(folder),
    folder,
    status: statusOf(sandbox),
    /** The process that writes its run. */
    writer: use.state === 'used' ? use.pid : null,
    host: pid ?? null,
    startedAt: facts?.startedAt ?? null,
    endsAt: endsAt(sandbox) ?? null,
    confinement: facts?.confinement ?? null,
    /** Those that wait in it, for `attachNotebookSession`. */
    sessions: facts?.detached?.sessions ?? [],
    ...useOf(sandbox),
  }
}

/** Of one that waits, the end of its waiting. */
function endsAt({ facts }: KnownSandbox): string | undefined {
  return facts?.detached?.until ?? facts?.endsAt
}

function row({ colors }: Look, sandbox: KnownSandbox): string[] {
  const { id, use, pid, facts } = sandbox
  const status = statusOf(sandbox)
  const paint = status === 'in-use' ? colors.green : status === 'detached' ? colors.cyan : colors.yellow
  const folder = 'run' in use ? use.run : facts?.run
  const end = endsAt(sandbox)
  const { processes, memoryBytes } = useOf(sandbox)
  const now = Date.now()
  return [
    id,
    paint(status === 'in-use' && pid === undefined ? 'its host is gone' : status.replace('-', ' ')),
    folder === undefined ? '' : inline(basename(folder), 60),
    use.state === 'used' ? `process ${use.pid}` : use.state === 'elsewhere' ? `on ${inline(use.machine, 30)}` : '',
    facts ? `for ${shortDuration(now - Date.parse(facts.startedAt))}` : '',
    pid !== undefined && end !== undefined ? `ends in ${shortDuration(Math.max(0, Date.parse(end) - now))}` : '',
    facts?.detached?.sessions.length ? `with ${inline(facts.detached.sessions.join(', '), 60)}` : '',
    facts ? (facts.confinement === 'none' ? colors.red('not confined') : facts.confinement) : '',
    processes === undefined ? '' : plural(processes, 'process', 'processes'),
    memoryBytes === undefined ? '' : size(memoryBytes),
  ]
}
