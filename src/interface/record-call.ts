/** A call in the run's log: what it was given before it is made, and what came of it. */
import { createHash } from 'node:crypto'
import { describeError } from '../errors.ts'
import type { EventInput } from '../run/events.ts'
import type { CalledWith } from '../run/interface-events.ts'
import type { Run } from '../run/run.ts'
import type { Answer, Call } from './call.ts'

/** What is longer is in artifacts/, and its beginning in the event. */
const INLINE_CHARS = 4096

/** Who called, as Seer knows it. */
export interface Caller {
  readonly from: 'library' | 'tool' | 'researcher'
  readonly by: EventInput['by']
  readonly sandbox?: string | undefined
  readonly session?: string | undefined
  /** The cell that ran at the time. */
  readonly cell?: string | undefined
}

export interface RecordedCall {
  /** Its number in the run. */
  readonly id: string
  end(answer: Answer): void
}

const counts = new WeakMap<Run, number>()

export function recordCall(run: Run, name: string, call: Call, { from, by, ...place }: Caller): RecordedCall {
  const number = (counts.get(run) ?? 0) + 1
  counts.set(run, number)
  const where = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined))
  const id = `f${number}`
  const about = { ...where, by, call: id, interface: name, function: call.function }
  run.emit({ type: 'call-start', ...about, from, args: calledWith(run, call) })
  const startedAt = performance.now()
  return {
    id,
    end(answer) {
      const durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000
      try {
        const what = answer.ok ? { result: calledWith(run, answer) } : { error: answer.error }
        run.emit({ type: 'call-end', ...about, status: statusOf(answer), durationMs, ...what })
      } catch (error) {
        // It has ended too, where the log can still say so.
        const kept = { kind: 'not-kept', message: `What came of it could not be kept: ${describeError(error)}` }
        run.emit({ type: 'call-end', ...about, status: 'error', durationMs, error: kept })
        throw error
      }
    },
  }
}

function statusOf(answer: Answer): 'ok' | 'error' | 'timeout' | 'cancelled' {
  if (answer.ok) return 'ok'
  const { kind } = answer.error
  return kind === 'timeout' || kind === 'cancelled' ? kind : 'error'
}

function calledWith(run: Run, { body, buffers, data }: Omit<Call, 'function'>): CalledWith {
  // Before it is cut: half of a secret would not be found.
  const text = run.redactor.text(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
  const isShort = text.length <= INLINE_CHARS
  let at = 0
  const arrays = buffers.map((length) => {
    const part = data.subarray(at, (at += length))
    return { bytes: length, sha256: createHash('sha256').update(part).digest('hex') }
  })
  return {
    text: isShort ? text : text.slice(0, INLINE_CHARS).toWellFormed(),
    bytes: body.byteLength,
    ...(isShort ? {} : { sha256: run.storeArtifact(Buffer.from(text)) }),
    ...(arrays.length > 0 ? { buffers: arrays } : {}),
  }
}
