/** Calls as they come in on streams, without a sandbox: what is answered, and what ends a connection. */
import { expect, test } from 'vitest'
import type { HostStream, HostStreams } from '../channel/streams.ts'
import { answerCalls } from './answer-calls.ts'
import { failed, type Answer, type Call } from './call.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import type { Interface } from './interface.ts'

class FakeStream {
  readonly id: string
  readonly input: AsyncIterable<Uint8Array>
  readonly written: Uint8Array[] = []
  isClosed = false
  readonly #waiting: ((result: IteratorResult<Uint8Array, undefined>) => void)[] = []
  readonly #chunks: (Uint8Array | undefined)[] = []

  constructor(id: string) {
    this.id = id
    this.input = { [Symbol.asyncIterator]: () => ({ next: () => this.#next() }) }
  }
  /** Undefined: the client closes it. */
  comes(chunk: Uint8Array | undefined): void {
    this.#chunks.push(chunk)
    const waiting = this.#waiting.shift()
    if (waiting) void this.#next().then(waiting)
  }
  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#chunks.length === 0) return new Promise((resolve) => this.#waiting.push(resolve))
    const value = this.#chunks.shift()
    return Promise.resolve(value ? { done: false, value } : { done: true, value: undefined })
  }
  write(bytes: Uint8Array): Promise<void> {
    this.written.push(bytes)
    return Promise.resolve()
  }
  close(): void {
    this.isClosed = true
  }
  heads(): unknown[] {
    return [...new FrameReader().take(Buffer.concat(this.written))].map(({ head }) => head)
  }
}

async function opened(call: (call: Call, signal: AbortSignal) => Promise<Answer>) {
  let onOpen: (stream: HostStream) => void = () => undefined
  const streams = {
    listen: (_: string, open: typeof onOpen) => {
      onOpen = open
      return Promise.resolve({ path: '/run/s1.calls' })
    },
    unlisten: () => Promise.resolve(),
  } as unknown as HostStreams
  const served = {
    name: 'kit',
    call: async (given: Call, _: unknown, signal: AbortSignal) => ({ id: 'f1', ...(await call(given, signal)) }),
  } as unknown as Interface
  const caller = () => ({ from: 'library', by: 'agent:a' }) as const
  const calls = await answerCalls({ session: 's1', streams, interfaces: [served], caller })
  let connections = 0
  return {
    ...calls,
    connect: () => {
      const stream = new FakeStream(`s${(connections += 1)}`)
      onOpen(stream)
      return stream
    },
  }
}

const frame = (head: object, body = '{}', data = new Uint8Array()) =>
  Buffer.concat(encodeFrame(head, Buffer.from(body), data))
const call = { kind: 'call', interface: 'kit', function: 'f' }
const settled = () => new Promise((resolve) => setTimeout(resolve, 20))
const ok = (): Promise<Answer> =>
  Promise.resolve({ ok: true, body: Buffer.from('1.0'), buffers: [], data: new Uint8Array() })

test('a call is answered with the bytes of its result, and the connection is kept for the next', async () => {
  const { connect } = await opened(ok)
  const stream = connect()
  for (let i = 0; i < 3; i++) {
    stream.comes(frame(call))
    await settled()
  }
  const frames = [...new FrameReader().take(Buffer.concat(stream.written))]
  expect(frames.map(({ head, body }) => [head, body.toString()])).toEqual(
    Array.from({ length: 3 }, () => [{ kind: 'result', buffers: [] }, '1.0']),
  )
  expect(stream.isClosed).toBe(false)
})

test('the next call may come as soon as the answer is on its way', async () => {
  const { connect } = await opened(ok)
  const stream = connect()
  const write = stream.write.bind(stream)
  let calls = 1
  // A client that is faster than the confirmation of what was written to it.
  stream.write = async (bytes) => {
    await write(bytes)
    if (calls++ < 50) stream.comes(frame(call))
    await settled()
  }
  stream.comes(frame(call))
  while (stream.written.length < 50) await settled()
  expect(new Set(stream.heads().map((head) => (head as { kind: string }).kind))).toEqual(new Set(['result']))
})

test('two calls at once on one connection end it', async () => {
  const { connect } = await opened(() => new Promise(() => undefined))
  const stream = connect()
  stream.comes(Buffer.concat([frame(call), frame(call)]))
  await settled()
  expect(stream.heads()).toMatchObject([{ error: { kind: 'invalid-frame' } }])
})

test('a client that calls and never takes an answer makes nothing more run, and holds no more', async () => {
  let calls = 0
  const { connect } = await opened(() => {
    calls += 1
    return ok()
  })
  const stream = connect()
  stream.write = () => new Promise(() => undefined)
  for (let i = 0; i < 50; i++) {
    stream.comes(frame(call))
    await settled()
  }
  expect(calls).toBe(1)
  expect(stream.isClosed).toBe(false)
})

test('a connection that is closed cancels its call; so does the end of the session', async () => {
  const signals: AbortSignal[] = []
  const { connect, close } = await opened(
    (_, signal) =>
      new Promise((resolve) => {
        signals.push(signal)
        signal.addEventListener('abort', () => resolve(failed('cancelled', 'stopped')))
      }),
  )
  const [first, second] = [connect(), connect()]
  first.comes(frame(call))
  second.comes(frame(call))
  await settled()
  first.comes(undefined)
  await settled()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  expect([first.isClosed, second.isClosed]).toEqual([true, false])
  await close()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
})

test('more calls at once than a session may have are refused, and the others go on', async () => {
  const waiting: ((answer: Answer) => void)[] = []
  const { connect } = await opened(() => new Promise((resolve) => waiting.push(resolve)))
  const streams = Array.from({ length: 66 }, connect)
  for (const stream of streams) stream.comes(frame(call))
  await settled()
  expect(waiting).toHaveLength(64)
  const refused = streams.flatMap((stream) => stream.heads())
  expect(refused).toMatchObject([{ error: { kind: 'refused' } }, { error: { kind: 'refused' } }])
  for (const resolve of waiting) resolve(await ok())
  await settled()
  expect(streams.flatMap((stream) => stream.heads())).toHaveLength(66)
})

test('bytes of calls that never become whole are bounded for the session, and given back', async () => {
  const { connect } = await opened(ok)
  const start = Buffer.alloc(12)
  for (const [i, value] of [2, 0, 60 * 1024 ** 2].entries()) start.writeUInt32BE(value, 4 * i)
  const half = Buffer.concat([start, Buffer.alloc(50 * 1024 ** 2)])
  const streams = Array.from({ length: 6 }, connect)
  for (const stream of streams) stream.comes(half)
  await settled()
  const ended = streams.filter(({ isClosed }) => isClosed)
  expect(ended).toHaveLength(1)
  expect(ended[0]!.heads()).toMatchObject([{ error: { message: expect.stringContaining('more at once') as string } }])
  for (const stream of streams) stream.comes(undefined)
  await settled()
  const after = connect()
  after.comes(frame(call))
  await settled()
  expect(after.heads()).toEqual([{ kind: 'result', buffers: [] }])
})

test('an error is bounded, whatever its text', async () => {
  const { connect } = await opened(() =>
    Promise.resolve({ ok: false, error: { kind: 'raised', message: 'x'.repeat(1e6), traceback: 'y'.repeat(1e6) } }),
  )
  const stream = connect()
  stream.comes(frame(call))
  await settled()
  const [head] = stream.heads() as [{ error: { message: string; traceback: string } }]
  expect([head.error.message.length, head.error.traceback.length]).toEqual([8000, 8000])
})
