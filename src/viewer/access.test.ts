import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { openAccess } from './access.ts'

const PORT = 7337
const access = openAccess(PORT)
const request = (method: string, headers: Record<string, string>) =>
  ({ method, headers: { host: `127.0.0.1:${PORT}`, ...headers } }) as unknown as IncomingMessage
const own = `http://127.0.0.1:${PORT}`

test('the token becomes a cookie that scripts and other sites do not get', () => {
  const cookie = access.exchange(access.token)!
  expect(cookie).toMatch(/^seer-7337=[\w-]{32}; HttpOnly; SameSite=Strict; Path=\/$/)
  expect(cookie).not.toContain(access.token)
  const pair = cookie.split(';')[0]!
  expect(access.hasCookie(request('GET', { cookie: `other=1; ${pair}; more=2` }))).toBe(true)
  expect(access.exchange(access.token)).toBe(cookie)
})

test.each(['', 'seer-7337=', 'seer-7337', 'seer-7337=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'x=1', ';;;', 'seer-7338=1'])(
  'the cookie %j opens nothing',
  (cookie) => expect(access.hasCookie(request('GET', { cookie }))).toBe(false),
)

test('a wrong token opens nothing, nor does that of an earlier start', () => {
  const earlier = openAccess(PORT)
  for (const token of ['', 'x', access.token.slice(1), `${access.token}x`, earlier.token])
    expect(access.exchange(token)).toBeUndefined()
  const cookie = earlier.exchange(earlier.token)!.split(';')[0]!
  expect(access.hasCookie(request('GET', { cookie }))).toBe(false)
})

test('a token that others may see works once', () => {
  const once = access.onceToken()
  expect(access.exchange(once)).toBeDefined()
  expect(access.exchange(once)).toBeUndefined()
  expect(access.exchange(access.token)).toBeDefined()
})

test.each<[string, string, Record<string, string>]>([
  ['the page', 'GET', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }],
  ['a typed address', 'GET', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
  ['a link on another page', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ['the page by its other name', 'POST', { host: `localhost:${PORT}`, origin: `http://localhost:${PORT}` }],
  ['an action of the page', 'POST', { origin: own, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }],
])('%s may ask', (_, method, headers) => expect(() => access.checkSender(request(method, headers))).not.toThrow())

test.each<[string, string, string, Record<string, string>]>([
  ['a name that was pointed here', 'viewer-host', 'GET', { host: `evil.example:${PORT}` }],
  ['a name that begins like ours', 'viewer-host', 'GET', { host: `127.0.0.1:${PORT}.evil.example` }],
  ['another port', 'viewer-host', 'GET', { host: '127.0.0.1:80' }],
  ['no name', 'viewer-host', 'GET', { host: '' }],
  ['a post without its origin', 'viewer-origin', 'POST', {}],
  ['a post from a frame without an origin', 'viewer-origin', 'POST', { origin: 'null' }],
  ['a post from another port', 'viewer-origin', 'POST', { origin: 'http://127.0.0.1:9999' }],
  ['a post by the other name', 'viewer-origin', 'POST', { origin: `http://localhost:${PORT}` }],
  ['a post over TLS', 'viewer-origin', 'POST', { origin: `https://127.0.0.1:${PORT}` }],
  ['a reading script of another origin', 'viewer-origin', 'GET', { origin: 'http://localhost:9999' }],
  ['an image on another port', 'viewer-origin', 'GET', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
  ['a script tag elsewhere', 'viewer-origin', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
])('%s is refused (%s)', (_, code, method, headers) =>
  expect(() => access.checkSender(request(method, headers))).toThrow(expect.objectContaining({ code })),
)
