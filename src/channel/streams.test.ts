import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { fakeStreams } from '../../test/fixtures/fake-streams.ts'
import { SeerError } from '../errors.ts'
import { STREAM_WINDOW_BYTES } from './protocol-parts.ts'
import { HostStreams, type HostStream } from './streams.ts'

const FAST = { retryMs: 1, maxRetryMs: 4, flushMs: 30 }
const WHY = new SeerError('sandbox-terminated', { message: 'The sandbox has been terminated.' })
const text = (value: string) => Buffer.from(value)

function started() {
  const host = fakeStreams()
  const streams = new HostStreams(host.connection, FAST)
  return { host, streams }
}

async function collected(stream: HostStream): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream.input)).toString()
}

/** The next one that comes in at `s1`. */
async function opened({ host, streams }: ReturnType<typeof started>, connection = 's1'): Promise<HostStream> {
  const { promise, resolve } = Promise.withResolvers<HostStream>()
  await streams.listen('s1', resolve)
  host.says({ connection, kind: 'open', listener: 's1' })
  return promise
}

test('nothing is read before somebody wants to', async () => {
  const { host, streams } = started()
  await turn()
  expect(host.asked).toEqual([])
  expect(await streams.listen('s1', () => undefined)).toEqual({ path: '/run/seer/s1.calls' })
  expect(host.asked.map(({ method }) => method)).toEqual(['stream/read', 'stream/listen'])
})

test('what comes in at each listener, in order and to its end', async () => {
  const { host, streams } = started()
  const seen: [string, HostStream][] = []
  for (const name of ['one', 'two']) await streams.listen(name, (stream) => void seen.push([name, stream]))
  host.says({ connection: 's1', kind: 'open', listener: 'two' }, { connection: 's2', kind: 'open', listener: 'one' })
  await vi.waitFor(() =>
    expect(seen.map(([name, { id }]) => [name, id])).toEqual([
      ['two', 's1'],
      ['one', 's2'],
    ]),
  )
  const both = Promise.all(seen.map(([, stream]) => collected(stream)))
  host.says(...['a', 'b'].map((value) => ({ connection: 's1', kind: 'data' as const, bytes: text(value) })))
  await turn()
  host.says(
    { connection: 's2', kind: 'data', bytes: text('x') },
    { connection: 's1', kind: 'data', bytes: text('c') },
    { connection: 's1', kind: 'end' },
    { connection: 's2', kind: 'end' },
  )
  expect(await both).toEqual(['abc', 'x'])
  await vi.waitFor(() => expect(host.kept()).toBe(0))
})

test('reading can be left and taken up again', async () => {
  const one = started()
  const stream = await opened(one)
  for (const value of ['a', 'b', 'c']) one.host.says({ connection: 's1', kind: 'data', bytes: text(value) })
  for await (const bytes of stream.input) {
    expect(Buffer.from(bytes).toString()).toBe('a')
    break
  }
  one.host.says({ connection: 's1', kind: 'end' })
  expect(await collected(stream)).toBe('bc')
})

test('more is allowed as it is taken, and not before', async () => {
  const one = started()
  const stream = await opened(one)
  const bytes = Buffer.alloc(STREAM_WINDOW_BYTES / 8)
  for (let i = 0; i < 8; i++) one.host.says({ connection: 's1', kind: 'data', bytes })
  await vi.waitFor(() => expect(one.host.kept()).toBe(0))
  const allowed = () => one.host.asked.filter(({ method }) => method === 'stream/allow').map(({ params }) => params)
  expect(allowed()).toEqual([])
  const chunks = stream.input[Symbol.asyncIterator]()
  for (let i = 0; i < 3; i++) await chunks.next()
  expect(allowed()).toEqual([])
  await chunks.next()
  expect(allowed()).toEqual([{ connection: 's1', bytes: 1.5 * STREAM_WINDOW_BYTES }])
  // Somebody who waits already takes it as it comes.
  for (let i = 0; i < 4; i++) await chunks.next()
  const next = chunks.next()
  for (let i = 0; i < 4; i++) one.host.says({ connection: 's1', kind: 'data', bytes })
  await next
  for (let i = 0; i < 3; i++) await chunks.next()
  expect(allowed().at(-1)).toEqual({ connection: 's1', bytes: 2.5 * STREAM_WINDOW_BYTES })
})

test('one that nobody reads does not hinder another', async () => {
  const one = started()
  const streams: HostStream[] = []
  await one.streams.listen('s1', (stream) => void streams.push(stream))
  for (const connection of ['s1', 's2']) one.host.says({ connection, kind: 'open', listener: 's1' })
  for (let i = 0; i < 64; i++) one.host.says({ connection: 's1', kind: 'data', bytes: Buffer.alloc(256 * 1024) })
  one.host.says({ connection: 's2', kind: 'data', bytes: text('x') }, { connection: 's2', kind: 'end' })
  await vi.waitFor(() => expect(streams).toHaveLength(2))
  expect(await collected(streams[1]!)).toBe('x')
})

test('whoever answers at once goes before the next read', async () => {
  const one = started()
  const stream = await opened(one)
  const echo = (async () => {
    for await (const bytes of stream.input) await stream.write(bytes)
  })()
  await vi.waitFor(() => expect(one.host.asked.at(-1)?.method).toBe('stream/read'))
  const before = one.host.asked.length
  one.host.says({ connection: 's1', kind: 'data', bytes: text('x') })
  await vi.waitFor(() => expect(one.host.asked).toHaveLength(before + 2))
  expect(one.host.asked.slice(before).map(({ method }) => method)).toEqual(['stream/write', 'stream/read'])
  one.host.says({ connection: 's1', kind: 'end' })
  await echo
})

test('what comes of one that is not known is thrown away, and it is closed', async () => {
  const { host, streams } = started()
  const stream = streams.process('p-1')
  host.says(
    { connection: 's7', kind: 'data', bytes: text('x') },
    { connection: 's8', kind: 'open', listener: 'nobody' },
    { connection: 's9', kind: 'end' },
    { connection: 'p:p-1', kind: 'data', bytes: text('y') },
    { connection: 'p:p-1', kind: 'end' },
  )
  expect(await collected(stream)).toBe('y')
  const closed = host.asked.filter(({ method }) => method === 'stream/close').map(({ params }) => params)
  expect(closed).toEqual([{ connection: 's7' }, { connection: 's8' }])
})

test('whoever fails over one that came in is no end of the others', async () => {
  const { host, streams } = started()
  const { promise, resolve } = Promise.withResolvers<HostStream>()
  await streams.listen('bad', () => {
    throw new Error('of the interface')
  })
  await streams.listen('good', resolve)
  host.says({ connection: 's1', kind: 'open', listener: 'bad' }, { connection: 's2', kind: 'open', listener: 'good' })
  expect((await promise).id).toBe('s2')
  await vi.waitFor(() => expect(host.closed).toEqual(['s1']))
})

test('numbers may begin anywhere, and then have no hole', async () => {
  const { host, streams } = started()
  host.last = 40
  const stream = streams.process('p-1')
  host.says({ connection: 'p:p-1', kind: 'data', bytes: text('x') })
  const writing = stream.write(text('y'))
  await writing
  host.last += 1
  host.says({ connection: 'p:p-1', kind: 'data', bytes: text('z') })
  expect(await collected(stream)).toBe('x')
  await expect(stream.write(text('y'))).rejects.toMatchObject({ code: 'streams-broken' })
  expect(() => streams.process('p-2')).toThrow(/streams that cannot be read/)
})

test('the loss of the sandbox ends all, and is the reason', async () => {
  const one = started()
  const stream = await opened(one)
  const reading = collected(stream)
  const lost = new SeerError('sandbox-lost', { message: 'The sandbox is gone.', endsRun: true })
  one.host.fail(lost)
  expect(await reading).toBe('')
  await expect(stream.write(text('x'))).rejects.toBe(lost)
  await expect(one.streams.listen('s2', () => undefined)).rejects.toBe(lost)
})

test('stopped: inputs end, writes are told why, and nothing more is asked', async () => {
  const one = started()
  const stream = await opened(one)
  one.host.says({ connection: 's1', kind: 'data', bytes: text('seen') })
  await vi.waitFor(() => expect(one.host.kept()).toBe(0))
  one.host.takes = () => 0
  const writing = stream.write(text('x'))
  writing.catch(() => undefined)
  one.streams.stop(WHY)
  one.streams.stop(new SeerError('second', { message: 'is too late' }))
  const asked = one.host.asked.length
  await expect(writing).rejects.toBe(WHY)
  await expect(stream.write(text('x'))).rejects.toBe(WHY)
  expect(await collected(stream)).toBe('seen')
  await expect(one.streams.listen('s1', () => undefined)).rejects.toBe(WHY)
  expect(() => one.streams.process('p-1')).toThrow(WHY)
  await one.streams.unlisten('s1')
  stream.close()
  one.host.says({ connection: 's1', kind: 'end' })
  await sleep(10)
  expect(one.host.asked).toHaveLength(asked)
})

test('a listener that could not be made is none', async () => {
  const one = started()
  one.host.refuse = 'stream/listen'
  const onOpen = vi.fn<() => void>()
  await expect(one.streams.listen('s1', onOpen)).rejects.toThrow('refused')
  one.host.says({ connection: 's1', kind: 'open', listener: 's1' })
  await vi.waitFor(() => expect(one.host.closed).toEqual(['s1']))
  expect(onOpen).not.toHaveBeenCalled()
})
