/** What sandboxes leave on this machine, and what they need of it: state folders, host processes, sockets. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { plural } from '../amounts.ts'
import { seerCommand } from '../seer-command.ts'
import { stateFolder } from '../run/paths.ts'
import { MAX_SOCKET_PATH_BYTES, socketPath } from '../run/socket-path.ts'
import { livingHost } from '../sandbox/local/end-host.ts'
import type { Check } from './doctor-check.ts'
import { isWritable, nearestFolder } from './doctor-machine.ts'

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
  const root = join(stateFolder(env), 'sandboxes')
  let ids: string[]
  try {
    ids = readdirSync(root)
  } catch {
    return { name, level: 'ok', text: 'none' }
  }
  const living: string[] = []
  for (const id of ids) {
    const pid = await livingHost({ stateDir: join(root, id) }).catch(() => undefined)
    if (pid !== undefined) living.push(`${id} (process ${pid})`)
  }
  if (ids.length === 0) return { name, level: 'ok', text: 'none' }
  const dead = ids.length - living.length
  const text = [
    living.length > 0 ? `${living.length} alive: ${living.join(', ')}` : '',
    dead > 0 ? `${plural(dead, 'folder')} of dead ones` : '',
  ]
    .filter(Boolean)
    .join('; ')
  if (dead === 0) return { name, level: 'ok', text: `${text}; each belongs to a run, or ends itself within minutes` }
  return {
    name,
    level: 'warning',
    text,
    hint: `${seerCommand(['gc'], { env })} saves what crashed runs left in them, and removes them`,
  }
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
