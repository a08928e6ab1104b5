/** What sandboxes leave on this machine, and what they need of it: state folders, host processes, sockets. */
import { describeError, SeerError } from '../errors.ts'
import { dateTime, plural } from '../amounts.ts'
import { knownSandboxes, type KnownSandbox } from '../environment/known-sandboxes.ts'
import { seerCommand } from '../seer-command.ts'
import { stateFolder } from '../run/paths.ts'
import { MAX_SOCKET_PATH_BYTES, socketPath } from '../run/socket-path.ts'
import type { Check } from './doctor-check.ts'
import { isWritable, nearestFolder } from './doctor-machine.ts'
import { statusOf } from './sandboxes.ts'

/** As long as those of a real sandbox and the sockets of its kernels. */
const EXAMPLE_NAME = 'sb-0123456789.k'
const KERNEL_SOCKET_BYTES = 24

export async function* checkSandboxes(env: NodeJS.ProcessEnv): AsyncGenerator<Check> {
  yield checkState(env)
  yield await checkLeftOver(env)
  yield checkSockets(env)
}

function checkState(env: NodeJS.ProcessEnv): Check {
  const folder = stateFolder(env)
  if (isWritable(nearestFolder(folder))) return { name: 'state', level: 'ok', text: folder }
  return {
    name: 'state',
    level: 'problem',
    text: `${folder} cannot be written to`,
    hint: 'set XDG_STATE_HOME to a folder that you can write to',
  }
}

async function checkLeftOver(env: NodeJS.ProcessEnv): Promise<Check> {
  const name = 'sandboxes'
  const all = await knownSandboxes(env)
  if (all.length === 0) return { name, level: 'ok', text: 'none' }
  const dead = all.filter((one) => ['ended', 'crashed'].includes(statusOf(one)))
  const living = all.filter((one) => !dead.includes(one)).map(livingText)
  const text = [
    living.length > 0 ? `${living.length} alive: ${living.join(', ')}` : '',
    dead.length > 0 ? `${plural(dead.length, 'folder')} of dead ones` : '',
  ]
    .filter(Boolean)
    .join('; ')
  if (dead.length === 0)
    return { name, level: 'ok', text: `${text}; each belongs to a run, was let go, or ends itself within minutes` }
  return {
    name,
    level: 'warning',
    text,
    hint: `${seerCommand(['gc'], { env })} saves what crashed runs left in them, and removes them`,
  }
}

function livingText({ id, pid, use, facts }: KnownSandbox): string {
  const until = use.state === 'detached' ? facts?.detached?.until : undefined
  const about = [
    ...(pid === undefined ? [] : [`process ${pid}`]),
    ...(until === undefined ? [] : [`detached, until ${dateTime(until)}`]),
  ]
  return about.length > 0 ? `${id} (${about.join(', ')})` : id
}

function checkSockets(env: NodeJS.ProcessEnv): Check {
  const name = 'sockets'
  try {
    const path = socketPath([EXAMPLE_NAME], { reserveBytes: KERNEL_SOCKET_BYTES, env })
    const bytes = Buffer.byteLength(path) + KERNEL_SOCKET_BYTES
    return {
      name,
      level: 'ok',
      text: `in ${path.slice(0, -EXAMPLE_NAME.length - 1)}: their paths are short enough (${bytes} of ${MAX_SOCKET_PATH_BYTES} bytes)`,
    }
  } catch (error) {
    const hint = error instanceof SeerError ? error.hint : undefined
    return {
      name,
      level: 'problem',
      text: error instanceof SeerError ? error.message : describeError(error),
      ...(hint === undefined ? {} : { hint }),
    }
  }
}
