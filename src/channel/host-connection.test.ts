import { expect, test, vi } from 'vitest'
import { HELLO, linkedHost, silence } from '../../test/fixtures/linked-host.ts'
import { SeerError } from '../errors.ts'
import type { ByteStream } from './channel.ts'
import { HostConnection } from './host-connection.ts'
import { PROTOCOL_VERSION } from './protocol.ts'

const READ = { after: 0, maxBytes: 1000, waitMs: 0 }
const FAST = { patienceMs: 60_000, reconnectMs: 1 }
const refuse = (): Promise<ByteStream> => Promise.reject(new SeerError('relay-failed', { message: 'The relay ended.' }))

/** A connection whose n-th relay is the n-th of these; after the last, every relay is refused. */
function connection(relays: (ReturnType<typeof linkedHost> | typeof refuse)[], waits = FAST) {
  const notices: string[] = []
  let opened = 0
  const open = () => {
    const relay = relays[opened++] ?? refuse
    return typeof relay === 'function' ? relay() : Promise.resolve(relay.stream)
  }
  const host = new HostConnection(open, (text) => notices.push(text), waits)
  return { host, notices, opened: () => opened }
}

test('a relay lost in mid-request: the same request goes over a new one, and the loss is told once', async () => {
  const lost = linkedHost(() => (setImmediate(() => lost.end()), silence()))
  const next = linkedHost(() => ({ records: ['r'] }))
  const { host, notices } = connection([lost, next])
  const both = Promise.all([host.request('journal/read', READ), host.request('journal/read', { ...READ, after: 7 })])
  expect(await both).toEqual([{ records: ['r'] }, { records: ['r'] }])
  expect(next.seen.map(({ params }) => params)).toEqual([READ, { ...READ, after: 7 }])
  expect(notices).toHaveLength(1)
  expect(lost.closed).toBe(true)
})

test('a hundred relays die, and nothing is missing', async () => {
  const dying = Array.from({ length: 100 }, () => {
    const relay: ReturnType<typeof linkedHost> = linkedHost(() => (setImmediate(() => relay.end()), silence()))
    return relay
  })
  const { host, notices, opened } = connection([...dying, linkedHost(() => ({ records: ['r'] }))])
  expect(await host.request('journal/read', READ)).toEqual({ records: ['r'] })
  expect([notices.length, opened()]).toEqual([100, 101])
})

test('three refusals in a row: the sandbox is lost, and the last reason is the cause', async () => {
  const { host, opened } = connection([])
  await expect(host.request('host/shutdown', {})).rejects.toMatchObject({
    code: 'sandbox-lost',
    endsRun: true,
    cause: { code: 'relay-failed' },
  })
  expect(opened()).toBe(3)
})

test('two refusals, then a relay: all is well', async () => {
  const { host } = connection([refuse, refuse, linkedHost(() => ({}))])
  expect(await host.request('host/shutdown', {})).toEqual({})
})

test('a relay that connects and does not answer is ended; silence is no refusal until the patience is over', async () => {
  const deadline = new SeerError('channel-deadline', { message: 'nothing' })
  const silent = () => Promise.reject(deadline)
  const patient = connection([silent, silent, silent, silent, linkedHost(() => ({}))])
  expect(await patient.host.request('host/shutdown', {})).toEqual({})
  const hasty = connection([silent, silent, silent, silent, silent, silent], { patienceMs: 2, reconnectMs: 1 })
  await expect(hasty.host.request('host/shutdown', {})).rejects.toMatchObject({ code: 'sandbox-lost', cause: deadline })
})

test('time that was slept through is no silence: who wakes up asks again', async () => {
  const real = performance.now.bind(performance)
  let sleptMs = 0
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => real() + sleptMs)
  const asleep = () => (sleptMs += 8 * 3600_000)
  const deadline = new SeerError('channel-deadline', { message: 'nothing' })
  const lost = linkedHost(() => (setImmediate(() => (asleep(), lost.end())), silence()))
  const silent = () => (asleep(), Promise.reject(deadline))
  const { host } = connection([lost, silent, linkedHost(() => ({ records: ['r'] }))], {
    patienceMs: 180_000,
    reconnectMs: 1,
  })
  expect(await host.request('journal/read', READ)).toEqual({ records: ['r'] })
  spy.mockRestore()
})

test('another version of the protocol is refused at once, and its relay ended', async () => {
  const other = linkedHost(silence)
  const spy = vi.spyOn(HELLO, 'protocol', 'get').mockReturnValue(PROTOCOL_VERSION + 1)
  const { host, opened } = connection([other])
  await expect(host.request('host/shutdown', {})).rejects.toMatchObject({ code: 'protocol-version', endsRun: true })
  spy.mockRestore()
  expect([opened(), other.closed]).toEqual([1, true])
})

test('closed while it connects: the request fails, and a relay that still comes is ended', async () => {
  const late = linkedHost(silence)
  const opening = Promise.withResolvers<ByteStream>()
  const { host } = connection([() => opening.promise])
  const request = host.request('journal/read', READ)
  host.close()
  opening.resolve(late.stream)
  await expect(request).rejects.toMatchObject({ code: 'sandbox-terminated' })
  expect(late.closed).toBe(true)
})

test('closed while a request waits: it fails at once, and no relay is started for it', async () => {
  const relay = linkedHost(silence)
  const { host, opened, notices } = connection([relay])
  const request = host.request('journal/read', READ)
  await vi.waitFor(() => expect(relay.seen).toHaveLength(1))
  host.close()
  await expect(request).rejects.toMatchObject({ code: 'sandbox-terminated' })
  await expect(host.request('journal/read', READ)).rejects.toMatchObject({ code: 'sandbox-terminated' })
  expect([opened(), notices]).toEqual([1, []])
})

test('an abort ends the wait for a connection', async () => {
  const { host } = connection([() => new Promise<ByteStream>(() => undefined)])
  const stop = new AbortController()
  const request = host.request('journal/read', READ, stop.signal)
  stop.abort(new Error('enough'))
  await expect(request).rejects.toThrow('enough')
})

test('a notice that cannot be written loses nothing', async () => {
  const lost = linkedHost(() => (setImmediate(() => lost.end()), silence()))
  const relays = [lost, linkedHost(() => ({ records: [] }))]
  const full = () => {
    throw new Error('the disk is full')
  }
  const host = new HostConnection(() => Promise.resolve(relays.shift()!.stream), full, FAST)
  expect(await host.request('journal/read', READ)).toEqual({ records: [] })
})
