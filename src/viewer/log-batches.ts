/** A log from some place to its end as it is now, in batches that are small enough to be sent, and exact to go on from. */
import { readLog, type LogProblem } from '../run/log-reader.ts'

/** Where a reader stands: the byte after the last line that it took, and the number that the reader of the log had counted to. */
export interface Place {
  readonly offset: number
  readonly seq: number
}

export interface LogBatch {
  /** JSON texts. */
  readonly events: readonly string[]
  readonly problems: readonly LogProblem[]
  /** After all of them. */
  readonly place: Place
  /** Bytes after the last line: being written, or cut short. */
  readonly torn?: LogProblem
}

/** A single event that is larger comes alone. */
export const MAX_BATCH_BYTES = 256 * 1024
export const MAX_BATCH_ITEMS = 500

/** The last batch may be empty. */
export async function* logBatches(path: string, from: Place): AsyncGenerator<LogBatch, void, void> {
  let { offset, seq } = from
  let events: string[] = []
  let problems: LogProblem[] = []
  let bytes = 0
  // A gap goes with the event behind it: a batch that ended between them would tell of it twice.
  let gap: LogProblem | undefined
  const take = (): LogBatch => {
    const batch = { events, problems, place: { offset, seq } }
    events = []
    problems = []
    bytes = 0
    return batch
  }
  const isFull = (size: number) => {
    const items = events.length + problems.length
    return items > 0 && (items >= MAX_BATCH_ITEMS || bytes + size > MAX_BATCH_BYTES)
  }
  for await (const line of readLog(path, { from: offset, lastSeq: seq })) {
    if (line.kind === 'problem') {
      const { problem } = line
      if (problem.kind === 'torn') return yield { ...take(), torn: problem }
      if (problem.kind === 'gap') {
        gap = problem
        continue
      }
      const size = Buffer.byteLength(problem.why)
      if (isFull(size)) yield take()
      problems.push(problem)
      bytes += size
      offset = line.end
      // As the reader counts: the line had a number, which nobody knows.
      if (problem.kind === 'invalid') seq += 1
      continue
    }
    const text = JSON.stringify(line.event)
    const size = Buffer.byteLength(text)
    if (isFull(size)) yield take()
    if (gap) problems.push(gap)
    gap = undefined
    events.push(text)
    bytes += size
    offset = line.end
    seq = line.event.seq
  }
  yield take()
}
