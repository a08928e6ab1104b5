import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CgroupUse {
  /** Processes and threads. */
  readonly processes?: number
  /** With what it has read from files, as far as that is kept. */
  readonly memoryBytes?: number
}

/** What a sandbox's control groups say that it takes; nothing where it has none. */
export function cgroupUse(folders: readonly string[]): CgroupUse {
  const read = (...names: string[]) => {
    for (const folder of folders) {
      for (const name of names) {
        try {
          return Number.parseInt(readFileSync(join(folder, name), 'utf8'), 10)
        } catch {
          continue
        }
      }
    }
    return undefined
  }
  const processes = read('pids.current')
  const memoryBytes = read('memory.current', 'memory.usage_in_bytes')
  return {
    ...(processes === undefined ? {} : { processes }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  }
}
