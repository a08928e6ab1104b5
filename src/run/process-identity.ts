/** Which process a pid means: a pid is reused, a pid with its start time is not. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The kernel's start time of a process, as text to compare; undefined when there is none. A zombie counts as ended. */
export function processStartTime(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The command name in parentheses may itself hold spaces and parentheses; state and the rest follow the last one.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
    } catch {
      return undefined
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

export function isProcessAlive(pid: number, startTime: string): boolean {
  return processStartTime(pid) === startTime
}
