import { join } from 'node:path'
import { stateFolder } from '../../run/paths.ts'

/** The folder with all that a sandbox keeps on this machine, but for its sockets. */
export function sandboxFolder(id: string): string {
  return join(sandboxesFolder(), id)
}

export function sandboxesFolder(env?: NodeJS.ProcessEnv): string {
  return join(stateFolder(env), 'sandboxes')
}
