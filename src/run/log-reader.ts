/**
 * Reads an event log, line by line and in bounded memory. What a log holds is never thrown over: a damaged line, a gap or a
 * torn end is a problem beside the events, and an event of a type from the future is passed on.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { SeerError } from '../errors.ts'
import { parseEvent, type RunEvent, type UnknownEvent } from './events.ts'

/** `end` is the byte after the line: where to read on from, later. */
export type ParsedLine =
  | { kind: 'event'; event: RunEvent; end: number }
  | { kind: 'unknown'; event: UnknownEvent; end: number }
  | { kind: 'problem'; problem: LogProblem; end: number }

export interface LogProblem {
  /** `gap`: numbers are missing. `repeat`: a number that came before; the event is not passed on. `torn`: no end of line yet. */
  readonly kind: 'invalid' | 'gap' | 'repeat' | 'torn'
  /** The byte where the line starts. */
  readonly at: number
  readonly why: string
}

export interface ReadLogOptions {
  /** A byte that an earlier reading ended at. */
  readonly from?: number
  /** The number of the last event before that byte. */
  readonly lastSeq?: number
}

/** A line longer than this is damage: the writer makes none. */
export const MAX_LINE_BYTES = 32 * 1024 * 1024

export async function* readLog(path: string, options: ReadLogOptions = {}): AsyncGenerator<ParsedLine> {
  if (!(await stat(path).catch(() => undefined))?.isFile()) {
    throw new SeerError('log-missing', { message: `There is no event log at ${path}.` })
  }
  let lastSeq = options.lastSeq ?? (options.from ? undefined : 0)
  for await (const { at, bytes, end, ended } of linesOf(path, options.from ?? 0)) {
    if (!ended) {
      yield { kind: 'problem', problem: { kind: 'torn', at, why: `${end - at} bytes without an end of line` }, end: at }
      return
    }
    const parsed = bytes === undefined ? ({ kind: 'invalid', why: 'too long' } as const) : parseLine(bytes)
    if (parsed.kind === 'invalid') {
      yield { kind: 'problem', problem: { kind: 'invalid', at, why: parsed.why }, end }
      // Its number is unknown; the next one is not a gap for that.
      if (lastSeq !== undefined) lastSeq += 1
      continue
    }
    const { seq } = parsed.event
    if (lastSeq !== undefined && seq <= lastSeq) {
      yield {
        kind: 'problem',
        problem: { kind: 'repeat', at, why: `event ${seq} comes again after event ${lastSeq}` },
        end,
      }
      continue
    }
    if (lastSeq !== undefined && seq !== lastSeq + 1) {
      const why =
        seq === lastSeq + 2 ? `event ${lastSeq + 1} is missing` : `events ${lastSeq + 1} to ${seq - 1} are missing`
      yield { kind: 'problem', problem: { kind: 'gap', at, why }, end: at }
    }
    lastSeq = seq
    yield { ...parsed, end }
  }
}

/** All events of a log that fits into memory, and what is wrong with it. */
export async function readEvents(path: string, options: ReadLogOptions = {}) {
  const events: (RunEvent | UnknownEvent)[] = []
  const problems: LogProblem[] = []
  let end = options.from ?? 0
  for await (const line of readLog(path, options)) {
    if (line.kind === 'problem') problems.push(line.problem)
    else events.push(line.event)
    end = line.end
  }
  return { events, problems, end }
}

function parseLine(bytes: Buffer): ReturnType<typeof parseEvent> {
  try {
    return parseEvent(JSON.parse(bytes.toString()))
  } catch (error) {
    return { kind: 'invalid', why: error instanceof Error ? error.message : String(error) }
  }
}

interface Line {
  at: number
  end: number
  /** Undefined for a line over the limit. */
  bytes: Buffer | undefined
  ended: boolean
}

async function* linesOf(path: string, from: number): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let partsBytes = 0
  let at = from
  let position = from
  for await (const read of createReadStream(path, { start: from, highWaterMark: 256 * 1024 })) {
    const chunk = read as Buffer
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf(0x0a, start)
      const stop = newline < 0 ? chunk.length : newline
      partsBytes += stop - start
      if (partsBytes <= MAX_LINE_BYTES) parts.push(chunk.subarray(start, stop))
      else parts = []
      if (newline < 0) break
      const end = position + newline + 1
      yield { at, end, bytes: partsBytes <= MAX_LINE_BYTES ? Buffer.concat(parts) : undefined, ended: true }
      parts = []
      partsBytes = 0
      at = end
      start = newline + 1
    }
    position += chunk.length
  }
  if (position > at) yield { at, end: position, bytes: undefined, ended: false }
}
