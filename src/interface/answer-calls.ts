/**
 * Calls that come from code in a session's sandbox. By which socket somebody came in says which session it is, and a session can call what
 * it was given and nothing else: no name or number that the caller sends counts for that.
 */
import { z } from 'zod'
import type { HostStream, HostStreams } from '../channel/streams.ts'
import { failed, type Answer, type Call } from './call.ts'
import { buffersSchema, encodeFrame, fits, FrameError, FrameReader, type Frame } from './frames.ts'
import type { Interface } from './interface.ts'
import { problemOfJson } from './json-text.ts'
import type { Caller } from './record-call.ts'

/** Of one session: calls that run, and bytes of calls that have not arrived whole. */
const MAX_CALLS = 64
const MAX_HELD_BYTES = 256 * 1024 * 1024

const callSchema = z.object({
  kind: z.literal('call'),
  interface: z.string().max(200),
  function: z.string().max(200),
  buffers: buffersSchema,
})

export interface CallsOf {
  readonly session: string
  readonly streams: HostStreams
  readonly interfaces: readonly Interface[]
  /** Who calls at the moment. */
  readonly caller: () => Caller
}

interface Held {
  calls: number
  bytes: number
}

/** Answers until it is closed, which cancels what runs. */
export async function answerCalls(calls: CallsOf): Promise<{ path: string; close: () => Promise<void> }> {
  const { session, streams } = calls
  const closing = new AbortController()
  const held: Held = { calls: 0, bytes: 0 }
  const { path } = await streams.listen(session, (stream) => void answerStream(stream, calls, held, closing.signal))
  return {
    path,
    async close() {
      closing.abort()
      await streams.unlisten(session).catch(() => undefined)
    },
  }
}

/** One call at a time; whoever wants several at once comes with several connections. Never rejects. */
async function answerStream(stream: HostStream, calls: CallsOf, held: Held, closing: AbortSignal): Promise<void> {
  const left = new AbortController()
  const signal = AbortSignal.any([left.signal, closing])
  const reader = new FrameReader()
  /** What waits to be answered: the call that runs, and one more, since a client may be faster than the news that its answer was taken. */
  let waiting = 0
  let working: Promise<void> = Promise.resolve()
  let mine = 0
  const hold = (bytes: number) => {
    held.bytes += bytes - mine
    mine = bytes
    if (held.bytes > MAX_HELD_BYTES) throw new FrameError('more at once than a session may')
  }
  const answer = async (frame: Frame) => {
    const given = await answerFrame(frame, calls, held, signal)
    // As long as nobody takes it, it is held, and the next call waits.
    const bytes = given.ok ? given.body.byteLength + given.data.byteLength : 0
    held.bytes += bytes
    waiting -= 1
    await send(stream, given)
      .catch(() => left.abort())
      .finally(() => (held.bytes -= bytes))
  }
  try {
    for await (const chunk of stream.input) {
      hold(reader.held + chunk.byteLength)
      for (const frame of reader.take(chunk)) {
        if ((waiting += 1) > 1) throw new FrameError('a call before the last one was answered')
        const before = working
        working = before.then(() => answer(frame))
        // One answer may be on its way while the next call comes; with two, nothing more is read.
        await before
      }
      hold(reader.held)
    }
  } catch (error) {
    if (error instanceof FrameError) await sendError(stream, `The caller sent ${error.message}.`)
  } finally {
    held.bytes -= mine
    // It has closed the connection: what it asked for is not wanted any more.
    left.abort()
    await working
    stream.close()
  }
}

function bytesOf({ body, data }: Frame): number {
  return body.byteLength + data.byteLength
}

/** Never rejects. */
async function answerFrame(frame: Frame, calls: CallsOf, held: Held, signal: AbortSignal): Promise<Answer> {
  held.calls += 1
  held.bytes += bytesOf(frame)
  try {
    return held.calls > MAX_CALLS ? tooMany() : await answerOf(frame, calls, signal)
  } catch {
    // What went wrong is the researcher's, with a folder of theirs in it.
    return failed('gone', 'The call could not be recorded, so nothing is told of it. The run cannot go on like this.')
  } finally {
    held.calls -= 1
    held.bytes -= bytesOf(frame)
  }
}

function answerOf({ head, body, data }: Frame, { interfaces, caller }: CallsOf, signal: AbortSignal): Promise<Answer> {
  const parsed = callSchema.safeParse(head)
  if (!parsed.success || !fits(parsed.data.buffers, data))
    return Promise.resolve(failed('invalid-frame', 'What was sent is not a call.'))
  const { interface: name, function: called, buffers } = parsed.data
  const found = interfaces.find((one) => one.name === name)
  if (!found) return Promise.resolve(failed('unknown-interface', unknownInterface(name, interfaces)))
  const problem = problemOfJson(body)
  if (problem !== undefined)
    return Promise.resolve(failed('invalid-arguments', `The arguments cannot be passed on: ${problem}.`))
  const call: Call = { function: called, body, buffers, data }
  return found.call(call, caller(), signal)
}

function unknownInterface(name: string, interfaces: readonly Interface[]): string {
  const names = interfaces.map((one) => one.name).join(', ')
  return `This session was given no interface ${JSON.stringify(name)}. It has: ${names}.`
}

function tooMany(): Answer {
  return failed('refused', `More than ${MAX_CALLS} calls at once. Wait for some of them to end.`)
}

async function send(stream: HostStream, answer: Answer): Promise<void> {
  const parts = answer.ok
    ? encodeFrame({ kind: 'result', buffers: answer.buffers }, answer.body, answer.data)
    : encodeFrame({ kind: 'error', error: shortened(answer.error) })
  for (const part of parts) await stream.write(part)
}

async function sendError(stream: HostStream, message: string): Promise<void> {
  await send(stream, failed('invalid-frame', message)).catch(() => undefined)
}

const MAX_ERROR_CHARS = 8000

/** A head has a limit, and a traceback may be of any length: its end says most. */
function shortened({ kind, message, traceback }: { kind: string; message: string; traceback?: string | undefined }) {
  const more = traceback === undefined ? {} : { traceback: traceback.slice(-MAX_ERROR_CHARS).toWellFormed() }
  return { kind, message: message.slice(0, MAX_ERROR_CHARS).toWellFormed(), ...more }
}
