import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { parseEvent } from '../run/events.ts'

const LOOK_BYTES = 256 * 1024

/** The claim that was submitted last, if it stands near the end of the log, where nearly all do: a long log is not read for it. */
export function lastClaim(folder: string): string | null {
  const file = openSync(join(folder, 'events.jsonl'), 'r')
  try {
    const { size } = fstatSync(file)
    const bytes = Buffer.alloc(Math.min(size, LOOK_BYTES))
    const end = readSync(file, bytes, 0, bytes.length, size - bytes.length)
    const lines = bytes.toString('utf8', 0, end).split('\n')
    for (const line of lines.reverse()) {
      if (!line.includes('"finding-submit"')) continue
      const parsed = parseLine(line)
      if (parsed?.kind === 'event' && parsed.event.type === 'finding-submit') return parsed.event.finding.claim
    }
    return null
  } finally {
    closeSync(file)
  }
}

function parseLine(line: string): ReturnType<typeof parseEvent> | undefined {
  try {
    return parseEvent(JSON.parse(line))
  } catch {
    return undefined
  }
}
