import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openCalls } from './calls.ts'
import { openSessions, type Sessions } from './sessions.ts'
import type { View, Visit } from './view.ts'

const HALF_AN_HOUR = 30 * 60_000
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
}
const LIST = { jsonrpc: '2.0', id: 2, method: 'tools/list' }

let left: number
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  left = 0
})
afterEach(() => void vi.useRealTimers())

const sessionsOf = (endsWithStream: boolean) =>
  openSessions({
    enter: () => Promise.resolve({ view: { tools: [] } as unknown as View, leave: () => void (left += 1) }),
    calls: openCalls(),
    endsWithStream,
  })

/** As the server does: when the answer is out, or the client is gone, the request's signal is aborted. */
async function ask(sessions: Sessions, body: unknown, id?: string) {
  const ended = new AbortController()
  const headers = {
    Accept: 'application/json, text/event-stream',
    'Content-Type': 'application/json',
    ...(id === undefined ? {} : { 'Mcp-Session-Id': id, 'Mcp-Protocol-Version': '2025-11-25' }),
  }
  const request = new Request('http://127.0.0.1/mcp/x', { method: 'POST', headers, signal: ended.signal })
  const { status, headers: told, body: answer } = await sessions.answer(request, body)
  const given = told.get('mcp-session-id') ?? ''
  const close = async () => {
    await answer?.cancel()
    ended.abort()
  }
  return { status, id: given, close }
}

async function entered(sessions: Sessions): Promise<string> {
  const { id, close } = await ask(sessions, INITIALIZE)
  await close()
  return id
}

test('a client that is not heard of for half an hour is ended, and is told so when it comes again', async () => {
  const sessions = sessionsOf(false)
  const id = await entered(sessions)
  await vi.advanceTimersByTimeAsync(HALF_AN_HOUR - 1)
  expect(left).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(left).toBe(1)
  expect(await ask(sessions, LIST, id)).toMatchObject({ status: 404 })
})

test('each request begins the half hour anew, and none is over while one is answered', async () => {
  const sessions = sessionsOf(false)
  const id = await entered(sessions)
  await vi.advanceTimersByTimeAsync(HALF_AN_HOUR - 1)
  const slow = await ask(sessions, LIST, id)
  await vi.advanceTimersByTimeAsync(3 * HALF_AN_HOUR)
  expect(left).toBe(0)
  await slow.close()
  await vi.advanceTimersByTimeAsync(HALF_AN_HOUR - 1)
  expect(left).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(left).toBe(1)
})

test('one that is waited for has left ten seconds after its stream', async () => {
  await entered(sessionsOf(true))
  await vi.advanceTimersByTimeAsync(9999)
  expect(left).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(left).toBe(1)
})

test('one that leaves while it is still being let in', async () => {
  const letIn = Promise.withResolvers<Visit>()
  const sessions = openSessions({ enter: () => letIn.promise, calls: openCalls(), endsWithStream: true })
  const gone = new AbortController()
  const headers = { Accept: 'application/json, text/event-stream', 'Content-Type': 'application/json' }
  const request = new Request('http://127.0.0.1/mcp/x', { method: 'POST', headers, signal: gone.signal })
  const answered = sessions.answer(request, INITIALIZE)
  gone.abort()
  letIn.resolve({ view: { tools: [] } as unknown as View, leave: () => void (left += 1) })
  await answered
  await vi.advanceTimersByTimeAsync(10_000)
  expect(left).toBe(1)
})
