/** Whether somebody can go on with a sandbox: what is written down of it, or why not. */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import { PROTOCOL_VERSION } from '../channel/protocol.ts'
import { SeerError } from '../errors.ts'
import { seerCommand } from '../seer-command.ts'
import { isOwnFolder } from '../run/own-folder.ts'
import { sandboxFolder } from '../sandbox/local/sandbox-folder.ts'
import { knownSandbox, knownSandboxes, type SandboxUse } from './known-sandboxes.ts'
import type { SandboxFacts } from './sandbox-file.ts'

const ID = /^sb-[0-9a-f]+$/

export async function findAttachable(id: string): Promise<SandboxFacts> {
  // Before a path is made of it: a script that was given no id has `undefined` here.
  if (!ID.test(id)) throw unknown(id, await freeIds())
  const stateDir = sandboxFolder(id)
  if (!existsSync(stateDir)) throw unknown(id, await freeIds())
  if (!isOwnFolder(stateDir)) {
    throw new SeerError('sandbox-foreign', {
      message: `The sandbox ${id} belongs to another user.`,
      hint: `Only the user who started it can go on with it. It lies in ${stateDir}.`,
    })
  }
  const known = await knownSandbox(stateDir)
  if (!known) throw unknown(id, await freeIds())
  const { facts, use, pid } = known
  refuseBusy(id, use)
  if (pid === undefined || facts === undefined) {
    throw new SeerError('sandbox-ended', {
      message: `The sandbox ${id} has ended: nobody used it in time, its timeout was over, or it was stopped.`,
      hint: 'Start a new one. `detach({ keep: seconds })` says how long one is to wait for the next process.',
    })
  }
  if (facts.protocol === PROTOCOL_VERSION) return facts
  throw new SeerError('protocol-version', {
    message: `The sandbox ${id} was started by another version of Seer: it speaks protocol ${facts.protocol}, this Seer ${PROTOCOL_VERSION}.`,
    hint: 'Go on with it with that version, or start a new one.',
  })
}

function refuseBusy(id: string, use: SandboxUse): void {
  if (use.state === 'used') {
    const process = `process ${use.pid}${use.machine === hostname() ? '' : ` on ${use.machine}`}`
    throw new SeerError('sandbox-in-use', {
      message: `The sandbox ${id} is used by the run ${basename(use.run)}, which ${process} writes.`,
      hint: `To work in its session beside that process: \`${seerCommand(['attach', basename(use.run)])}\`, or \`${seerCommand(['mcp', basename(use.run)])}\` for an agent. To have the sandbox, that process must let go of it: \`await sandbox.detach()\`. The run is in ${use.run}.`,
    })
  }
  if (use.state === 'crashed') {
    throw new SeerError('sandbox-crashed', {
      message: `The run of the sandbox ${id} crashed: ${basename(use.run)}.`,
      hint: '`seer gc` saves what it had printed into that run, and ends it.',
    })
  }
  if (use.state === 'elsewhere') {
    throw new SeerError('sandbox-elsewhere', {
      message: `The sandbox ${id} runs on another machine, ${use.machine}.`,
      hint: 'Go on with it there.',
    })
  }
  if (use.state === 'half-made') throw unknown(id, [])
}

function unknown(id: string, others: readonly string[]): SeerError {
  return new SeerError('sandbox-unknown', {
    message: `There is no sandbox ${JSON.stringify(id)} on this machine: it has ended, or never was.`,
    hint: others.length > 0 ? `Detached now: ${others.join(', ')}.` : '`seer sandboxes` shows those that there are.',
  })
}

async function freeIds(): Promise<string[]> {
  const known = await knownSandboxes()
  return known.filter(({ use, pid }) => use.state === 'detached' && pid !== undefined).map(({ id }) => id)
}
