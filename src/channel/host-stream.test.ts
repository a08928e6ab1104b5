import { createHash, randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { fakeStreams } from '../../test/fixtures/fake-streams.ts'
import { linkedHost, silence } from '../../test/fixtures/linked-host.ts'
import { SeerError } from '../errors.ts'
import { HostConnection } from './host-connection.ts'
import type { MethodName } from './protocol.ts'
import { MAX_CHUNK_BYTES } from './protocol-parts.ts'
import { HostStreams } from './streams.ts'

const FAST = { retryMs: 1, maxRetryMs: 4, flushMs: 30 }
const NAME = 'p:p-1'
const text = (value: string) => Buffer.from(value)
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function started(waits = FAST) {
  const host = fakeStreams()
  const stream = new HostStreams(host.connection, waits).process('p-1')
  const writes = () => host.asked.filter(({ method }) => method === 'stream/write')
  return { host, stream, writes }
}

test('a large one goes in parts, each of which fits a message', async () => {
  const { host, stream, writes } = started()
  const bytes = randomBytes(2 * MAX_CHUNK_BYTES + 7)
  await stream.write(bytes)
  expect(sha(host.written(NAME))).toBe(sha(bytes))
  expect(writes().map(({ params }) => 'offset' in params && params.offset)).toEqual([
    0,
    MAX_CHUNK_BYTES,
    2 * MAX_CHUNK_BYTES,
  ])
})

test('what is not taken is sent again from there, after a while', async () => {
  const { host, stream, writes } = started()
  const some = [0, 3, 0, 0, 1, 1e9]
  host.takes = () => some.shift() ?? 1e9
  await stream.write(text('0123456789'))
  expect(host.written(NAME).toString()).toBe('0123456789')
  expect(writes().map(({ params }) => 'offset' in params && params.offset)).toEqual([0, 0, 3, 3, 3, 4])
})

test('one that takes nothing is asked less and less often', async () => {
  const { host, stream, writes } = started({ retryMs: 1, maxRetryMs: 1000, flushMs: 1 })
  host.takes = () => 0
  stream.write(text('x')).catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(writes().length).toBeGreaterThan(2)
  expect(writes().length).toBeLessThan(12)
  stream.close()
})

test('many that write at once keep their order, and go together', async () => {
  const { host, stream, writes } = started()
  const order: number[] = []
  const all = Array.from({ length: 100 }, (_, i) => stream.write(text(`${i},`)).then(() => order.push(i)))
  await Promise.all(all)
  expect(host.written(NAME).toString()).toBe(Array.from({ length: 100 }, (_, i) => `${i},`).join(''))
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect(writes()).toHaveLength(2)
  await stream.write(new Uint8Array())
})

test('whoever writes on as soon as the last was taken is served', async () => {
  const { host, stream } = started()
  for (let i = 0; i < 50; i++) await stream.write(text('x'))
  expect(host.written(NAME)).toHaveLength(50)
})

test('its other side has closed it: what was taken is taken, what comes later is refused', async () => {
  const { host, stream } = started()
  const answer = host.hold('stream/write')
  const onItsWay = stream.write(text('last'))
  const later = stream.write(text('too late'))
  later.catch(() => undefined)
  await vi.waitFor(() => expect(host.written(NAME).toString()).toBe('last'))
  host.says({ connection: NAME, kind: 'end' })
  expect(await Array.fromAsync(stream.input)).toEqual([])
  answer()
  await onItsWay
  await expect(later).rejects.toMatchObject({ code: 'stream-ended' })
  await expect(stream.write(text('x'))).rejects.toMatchObject({ code: 'stream-ended' })
  stream.close()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(host.closed).toEqual([])
})

test('nothing is sent to one that has ended', async () => {
  const { host, stream, writes } = started()
  host.says({ connection: NAME, kind: 'end' })
  expect(await Array.fromAsync(stream.input)).toEqual([])
  await expect(stream.write(text('x'))).rejects.toMatchObject({ code: 'stream-ended' })
  expect(writes()).toEqual([])
})

test('a host that does not know it any more is its end, for writing', async () => {
  const { host, stream } = started()
  host.refuse = 'stream/write'
  await expect(stream.write(text('x'))).rejects.toMatchObject({ code: 'stream-ended' })
  await expect(stream.write(text('x'))).rejects.toMatchObject({ code: 'stream-ended' })
})

test.each([-1, 4])('a host that says it has taken what it was not sent is not believed (%i)', async (taken) => {
  const { host, stream } = started()
  host.takes = () => taken
  host.lies = true
  await expect(stream.write(text('abc'))).rejects.toMatchObject({ code: 'host-answer-invalid' })
})

test('closed: what was written before goes first, what comes is not wanted', async () => {
  const { host, stream } = started()
  host.says({ connection: NAME, kind: 'data', bytes: text('unread') })
  await vi.waitFor(() => expect(host.kept()).toBe(0))
  const writing = stream.write(randomBytes(MAX_CHUNK_BYTES + 1))
  stream.close()
  stream.close()
  await expect(stream.write(text('x'))).rejects.toMatchObject({ code: 'stream-ended' })
  expect(await Array.fromAsync(stream.input)).toEqual([])
  await writing
  await vi.waitFor(() => expect(host.closed).toEqual([NAME]))
  expect(host.written(NAME)).toHaveLength(MAX_CHUNK_BYTES + 1)
  host.says({ connection: NAME, kind: 'data', bytes: text('late') }, { connection: NAME, kind: 'end' })
  expect(await Array.fromAsync(stream.input)).toEqual([])
})

test('closed while its other side takes nothing: it waits only for a while', async () => {
  const { host, stream } = started()
  host.takes = () => 0
  const writing = stream.write(text('x'))
  writing.catch(() => undefined)
  stream.close()
  await vi.waitFor(() => expect(host.closed).toEqual([NAME]))
  await expect(writing).rejects.toMatchObject({ code: 'stream-ended' })
})

test('relays that are lost before and after the host has heard: each byte once, both ways', async () => {
  const host = fakeStreams()
  let count = 0
  const relay = (): ReturnType<typeof linkedHost> => {
    const one: ReturnType<typeof linkedHost> = linkedHost(async ({ method, params }) => {
      // Every third request is lost with its relay, every other of those after it was done.
      if (++count % 3 !== 0) return host.connection.request(method as MethodName, params as never)
      if (count % 2 === 0) void host.connection.request(method as MethodName, params as never).catch(() => undefined)
      setImmediate(() => one.end())
      return silence()
    })
    return one
  }
  const open = () => Promise.resolve(relay().stream)
  const connection = new HostConnection(open, () => undefined, { patienceMs: 60_000, reconnectMs: 1 })
  const streams = new HostStreams(connection, FAST)
  const stream = streams.process('p-1')
  const out = randomBytes(300_000)
  const come = randomBytes(300_000)
  host.takes = () => 7001
  host.perRead = 2
  for (let at = 0; at < come.length; at += 10_000)
    host.says({ connection: NAME, kind: 'data', bytes: come.subarray(at, at + 10_000) })
  const reading = Array.fromAsync(stream.input)
  for (let at = 0; at < out.length; at += 50_000) await stream.write(out.subarray(at, at + 50_000))
  host.says({ connection: NAME, kind: 'end' })
  expect(sha(Buffer.concat(await reading))).toBe(sha(come))
  expect(sha(host.written(NAME))).toBe(sha(out))
  expect(count).toBeGreaterThan(50)
  streams.stop(new SeerError('over', { message: 'over' }))
  connection.close()
}, 60_000)
