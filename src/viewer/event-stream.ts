/** A run's log as server-sent events. Each batch names the place after it, and a page that comes back says where it was. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SeerError } from '../errors.ts'
import type { StreamState } from '../page/wire.ts'
import { canSteer } from './actions.ts'
import { followLog, type Followed } from './follow-log.ts'
import type { Place } from './log-batches.ts'
import { begin } from './respond.ts'

const PING_MS = 15_000
const STEER_CHECK_MS = 2000
/** After which a page whose connection broke comes back. */
const RETRY_MS = 1000

/** Resolves when the page has gone, the log has, or `signal` ends it. */
export async function streamEvents(
  request: IncomingMessage,
  response: ServerResponse,
  { folder, from, signal: ended }: { folder: string; from: string | null; signal: AbortSignal },
): Promise<void> {
  const place = placeOf(request.headers['last-event-id'] ?? from)
  const left = new AbortController()
  response.on('close', () => left.abort())
  const signal = AbortSignal.any([left.signal, ended])
  begin(response, 200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
  response.write(`retry: ${RETRY_MS}\n\n`)

  let state: StreamState | undefined
  let told = ''
  const tell = (change: Partial<StreamState>) => {
    state = { live: false, caughtUp: false, canSteer: false, ...state, ...change }
    const text = JSON.stringify(state)
    if (text !== told) response.write(message('state', text))
    told = text
  }
  const steering = setInterval(() => void checkSteering(), STEER_CHECK_MS)
  async function checkSteering(): Promise<void> {
    const answers = state?.live === true && (await canSteer(folder))
    if (state && !signal.aborted) tell({ canSteer: answers && state.live })
  }
  const ping = setInterval(() => response.writableNeedDrain || response.write(': ping\n\n'), PING_MS)
  try {
    for await (const step of followLog(folder, place, signal)) {
      if (step.kind === 'state') {
        tell({ live: step.live, caughtUp: step.caughtUp, ...(step.live ? {} : { canSteer: false }) })
        if (step.live && !step.caughtUp) void checkSteering()
      } else if (!response.write(textOf(step))) {
        // The page reads slower than the log does: nothing is read until it has taken this.
        await once(response, 'drain', { signal }).catch(() => undefined)
      }
    }
  } finally {
    clearInterval(steering)
    clearInterval(ping)
    response.end()
  }
}

function textOf(step: Exclude<Followed, { kind: 'state' }>): string {
  if (step.kind === 'gone') return message('gone', JSON.stringify({ why: step.why }))
  const { events, problems, place } = step
  const data = `{"events":[${events.join(',')}],"problems":${JSON.stringify(problems)}}`
  return `id: ${place.offset}:${place.seq}\n${message('batch', data)}`
}

/** JSON has no line breaks. */
function message(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`
}

/** `<byte>:<number>`; none: from the start. */
function placeOf(text: string | string[] | null | undefined): Place {
  if (text === null || text === undefined || text === '') return { offset: 0, seq: 0 }
  const [, offset, seq] = /^(\d{1,15}):(\d{1,15})$/.exec(String(text)) ?? []
  if (offset === undefined || seq === undefined)
    throw new SeerError('viewer-request', { message: 'A place in a log is <byte>:<number>.' })
  return { offset: Number(offset), seq: Number(seq) }
}
