import { afterEach, expect, test, vi } from 'vitest'
import { HELLO, hostError, linkedHost, silence } from '../../test/fixtures/linked-host.ts'
import { Channel } from './channel.ts'
import { hostErrors, methods } from './protocol.ts'

const READ = { after: 0, maxBytes: 1000, waitMs: 0 }
const turn = () => new Promise((resolve) => setImmediate(resolve))
const has = (fields: object) => expect.objectContaining(fields) as Error

afterEach(() => vi.useRealTimers())

test('requests are answered in whatever order the answers come', async () => {
  const slow = Promise.withResolvers<object>()
  const host = linkedHost(({ method }) => (method === 'journal/read' ? slow.promise : {}))
  const channel = new Channel(host.stream)
  const read = channel.request('journal/read', READ)
  expect(
    await channel.request('kernel/interrupt', { session: 's1', generation: 1, cell: 'c1', how: 'signal' }),
  ).toEqual({})
  slow.resolve({ records: [1] })
  expect(await read).toEqual({ records: [1] })
})

test('no answer within the deadline: an error that says so, and a cancel on the wire', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const host = linkedHost(silence)
  const request = new Channel(host.stream).request('kernel/start', {
    session: 's1',
    generation: 1,
    config: { params: {}, seed: 0, models: [] },
  })
  request.catch(() => undefined)
  await vi.waitFor(() => expect(host.seen).toHaveLength(1))
  vi.advanceTimersByTime(methods['kernel/start'].deadlineMs - 1)
  await turn()
  expect(host.seen[0]?.cancelled).toBe(false)
  vi.advanceTimersByTime(1)
  await expect(request).rejects.toEqual(
    has({ code: 'channel-deadline', message: expect.stringContaining('kernel/start') }),
  )
  await vi.waitFor(() => expect(host.seen[0]?.cancelled).toBe(true))
})

test('an abort: the reason is thrown at once, and the host is told', async () => {
  const host = linkedHost(silence)
  const stop = new AbortController()
  const request = new Channel(host.stream).request('journal/read', READ, stop.signal)
  await vi.waitFor(() => expect(host.seen).toHaveLength(1))
  stop.abort(new Error('enough'))
  await expect(request).rejects.toThrow('enough')
  await vi.waitFor(() => expect(host.seen[0]?.cancelled).toBe(true))
})

test('a signal that is aborted already sends nothing', async () => {
  const host = linkedHost(silence)
  await expect(
    new Channel(host.stream).request('journal/read', READ, AbortSignal.abort(new Error('enough'))),
  ).rejects.toThrow('enough')
  await turn()
  expect(host.seen).toEqual([])
})

test('the end of the stream fails all that is pending, with what was said on stderr', async () => {
  const host = linkedHost(silence)
  const channel = new Channel(host.stream)
  const pending = [channel.request('journal/read', READ), channel.request('host/shutdown', {})]
  const ends = Promise.allSettled(pending)
  await vi.waitFor(() => expect(host.seen).toHaveLength(2))
  host.end()
  // It comes after the end, as it does with a process that dies.
  setTimeout(() => host.say('slurmstepd: error: *** STEP CANCELLED ***'), 5)
  for (const end of await ends) {
    expect(end).toMatchObject({
      status: 'rejected',
      reason: has({ code: 'channel-closed', message: expect.stringContaining('STEP CANCELLED') }),
    })
  }
  await expect(channel.request('host/hello', {})).rejects.toEqual(has({ code: 'channel-closed' }))
  expect(host.closed).toBe(true)
})

test('a stream that cannot be written to is a closed one', async () => {
  const host = linkedHost(silence)
  const channel = new Channel(host.stream)
  host.stream.output.destroy(new Error('EPIPE'))
  await expect(channel.request('host/hello', {})).rejects.toEqual(has({ code: 'channel-closed' }))
})

test('what is no message closes the channel', async () => {
  const host = linkedHost(silence)
  const request = new Channel(host.stream).request('journal/read', READ)
  request.catch(() => undefined)
  host.write('Traceback (most recent call last):\r\n\r\n')
  await expect(request).rejects.toEqual(has({ code: 'channel-closed' }))
})

test('a forged length closes the channel before anything is gathered, with an error that says so', async () => {
  const host = linkedHost(silence)
  const channel = new Channel(host.stream)
  const request = channel.request('journal/read', READ)
  request.catch(() => undefined)
  host.write('Content-Length: 1000000000\r\n\r\n')
  const message = expect.stringMatching(/message of 1000000000 bytes/)
  const refused = has({ code: 'frame-refused', endsRun: true, message })
  await expect(request).rejects.toEqual(refused)
  expect(host.closed).toBe(true)
  await expect(channel.request('host/hello', {})).rejects.toEqual(refused)
})

test.each([
  [{ records: 'all' }, 'records'],
  [null, 'object'],
])('an answer that does not fit the schema (%j) is an error with the method', async (answer, why) => {
  const request = new Channel(linkedHost(() => answer).stream).request('journal/read', READ)
  await expect(request).rejects.toEqual(
    has({ code: 'host-answer-invalid', message: expect.stringMatching(new RegExp(`journal/read.*${why}`, 's')) }),
  )
})

test.each(Object.entries(hostErrors))('the host’s error %s keeps its name', async (code, number) => {
  const host = linkedHost(() => {
    throw hostError(number, 'because')
  })
  const request = new Channel(host.stream).request('host/shutdown', {})
  await expect(request).rejects.toEqual(has({ code, message: 'host/shutdown: because' }))
})

test('a message that is too large is refused here, where the channel survives it', async () => {
  const host = linkedHost(() => HELLO)
  const channel = new Channel(host.stream)
  const code = '\0'.repeat(200_000) // six bytes each, in JSON
  await expect(channel.request('kernel/execute', { session: 's1', generation: 1, cell: 'c1', code })).rejects.toEqual(
    has({ code: 'message-too-large' }),
  )
  expect(await channel.request('host/hello', {})).toEqual(HELLO)
})

test.each(['journal/read', 'stream/read'] as const)('%s that waits keeps no process alive', async (method) => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const channel = new Channel(linkedHost(silence).stream)
  for (const waitMs of [0, 1000]) channel.request(method, { ...READ, waitMs }).catch(() => undefined)
  const made = timers.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())
  timers.mockRestore()
  expect(made).toEqual([true, false])
  channel.close()
})

test('a thousand requests leave no listener behind', async () => {
  const host = linkedHost(() => ({ records: [] }))
  const channel = new Channel(host.stream)
  const { signal } = new AbortController()
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  for (let i = 0; i < 1000; i++) await channel.request('journal/read', READ, signal)
  expect(added.mock.calls.length).toBe(1000)
  expect(removed.mock.calls.length).toBe(1000)
})
