/** Who is let in to a session's server, what is said to who is not, and what bad input does: nothing. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { publish, type LocalServer, type McpConfig } from '../src/mcp/local.ts'
import { defineTool } from '../src/tools/tool.ts'
import { connected, ERAS, serverOf, textOf } from './fixtures/mcp-client.ts'
import { newRun } from './fixtures/memory-run.ts'
import { repository } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'

const echo = defineTool({
  name: 'echo',
  description: 'Says it again.',
  input: z.object({ text: z.string() }),
  result: z.object({ length: z.int() }),
  execute: ({ text }) => Promise.resolve({ content: [{ type: 'text', text }], structured: { length: text.length } }),
})

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}
const ACCEPT = { Accept: 'application/json, text/event-stream', 'Content-Type': 'application/json' }

let server: LocalServer
let config: McpConfig
let withdraw: () => void
beforeEach(async () => {
  const run = newRun()
  server = { run, tools: [echo], settle: () => Promise.resolve() }
  ;({ config, withdraw } = await publish('tools', server))
  onTestFinished(async () => {
    withdraw()
    await run.end('completed')
  })
})

interface Told {
  readonly status: number
  readonly body: string
  readonly headers: Record<string, string | string[] | undefined>
}

interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string | undefined>
  readonly body?: unknown
  readonly path?: string
}

/** As it is: `fetch` would choose some of the headers itself. */
async function send({ method = 'POST', headers = {}, body = INITIALIZE, path }: Sent = {}): Promise<Told> {
  const { url, headers: own } = serverOf(config)
  const { port, pathname } = new URL(url)
  const given = Object.entries({ ...ACCEPT, ...own, ...headers }).filter(([, value]) => value !== undefined)
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    path: path ?? pathname,
    method,
    headers: Object.fromEntries(given) as Record<string, string>,
  })
  // One that is refused early may be cut off.
  request.on('error', () => undefined)
  if (method === 'POST') request.write(typeof body === 'string' ? body : JSON.stringify(body))
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    if (response.headers['content-type'] === 'text/event-stream' && method === 'GET') response.destroy()
  }
  return { status: response.statusCode!, body: text, headers: response.headers }
}

const tokenOf = (of: McpConfig) => serverOf(of).headers['Authorization']!
const portOf = () => new URL(serverOf(config).url).port

describe('without a hint', () => {
  test.each<[string, number, () => Sent | Promise<Sent>]>([
    ['no token', 401, () => ({ headers: { Authorization: undefined } })],
    ['an empty one', 401, () => ({ headers: { Authorization: 'Bearer ' } })],
    ['a wrong one', 401, () => ({ headers: { Authorization: `${tokenOf(config).slice(0, -1)}_` } })],
    ['another scheme', 401, () => ({ headers: { Authorization: tokenOf(config).replace('Bearer', 'Basic') } })],
    [
      'the token in the address',
      401,
      () => ({
        headers: { Authorization: undefined },
        path: `${new URL(serverOf(config).url).pathname}?token=${tokenOf(config).slice(7)}`,
      }),
    ],
    [
      'the token of another session',
      401,
      async () => {
        const other = await publish('other', server)
        onTestFinished(other.withdraw)
        return { headers: { Authorization: tokenOf(other.config) } }
      },
    ],
    ['another path', 404, () => ({ path: '/mcp/0123456789abcdef0123456789abcdef' })],
    ['no path', 404, () => ({ path: '/' })],
    ['a path that is none', 404, () => ({ path: '//' })],
    ['where clients look for a login', 404, () => ({ path: '/.well-known/oauth-protected-resource', method: 'GET' })],
    ['another host', 403, () => ({ headers: { Host: `evil.example:${portOf()}` } })],
    ['another port', 403, () => ({ headers: { Host: '127.0.0.1:1' } })],
    ['a page of elsewhere', 403, () => ({ headers: { Origin: 'https://evil.example' } })],
    [
      'a page of elsewhere that looks like here',
      403,
      () => ({ headers: { Origin: 'https://localhost.evil.example' } }),
    ],
    ['a page of nowhere', 403, () => ({ headers: { Origin: 'null' } })],
    ['a page of a file', 403, () => ({ headers: { Origin: 'file://' } })],
    ['more than is read', 413, () => ({ body: `"${'x'.repeat(5_000_000)}"` })],
  ])('%s', async (_, status, sent) => {
    const told = await send(await sent())
    expect(told).toMatchObject({ status, body: '' })
    expect(Object.keys(told.headers).filter((name) => /allow|seer|mcp|powered|server/i.test(name))).toEqual([])
    expect((await logOf(server.run.folder)).of('tool-start')).toEqual([])
  })
})

describe('let in', () => {
  test.each([
    ['by its number', {}],
    ['by its name', { Host: () => `localhost:${portOf()}` }],
    ['with a page of this machine', { Origin: () => 'http://localhost:6274' }],
    ['in other letters', { Authorization: () => tokenOf(config).replace('Bearer', 'bearer') }],
  ])('%s', async (_, headers) => {
    const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value()]))
    const told = await send({ headers: given })
    expect(told.status).toBe(200)
    expect(told.body).toContain('"protocolVersion":"2025-06-18"')
    expect(told.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('the stream of a session: one, until it is deleted', async () => {
    expect((await send({ method: 'GET' })).status).toBe(400)
    const id = String((await send()).headers['mcp-session-id'])
    const own = { 'mcp-session-id': id }
    expect((await send({ method: 'PUT', headers: own })).status).toBe(405)
    expect((await send({ method: 'GET', headers: { ...own, Accept: 'text/html' } })).status).toBe(406)
    const open = new AbortController()
    const { url, headers } = serverOf(config)
    const get = () => fetch(url, { headers: { ...headers, ...own, Accept: 'text/event-stream' }, signal: open.signal })
    expect((await get()).status).toBe(200)
    expect((await send({ method: 'GET', headers: own })).status).toBe(409)
    expect((await send({ method: 'DELETE', headers: own })).status).toBe(200)
    for (const method of ['GET', 'DELETE', 'POST']) expect((await send({ method, headers: own })).status).toBe(404)
    open.abort()
  })

  test('a session belongs to whoever has the token, not to who knows its id', async () => {
    const id = String((await send()).headers['mcp-session-id'])
    const other = await publish('other', server)
    onTestFinished(other.withdraw)
    const { pathname } = new URL(serverOf(other.config).url)
    const headers = { Authorization: tokenOf(other.config), 'mcp-session-id': id }
    expect((await send({ path: pathname, method: 'DELETE', headers })).status).toBe(404)
    expect((await send({ method: 'DELETE', headers: { 'mcp-session-id': id } })).status).toBe(200)
  })

  test('never more sessions than so many: who was not heard of for the longest time goes', async () => {
    const ids: string[] = []
    for (let n = 0; n < 40; n++) ids.push(String((await send()).headers['mcp-session-id']))
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' }
    const statusOf = async (id: string | undefined) =>
      (await send({ headers: { 'mcp-session-id': id }, body: ping })).status
    expect([await statusOf(ids[0]), await statusOf(ids[7]), await statusOf(ids[8]), await statusOf(ids[39])]).toEqual([
      404, 404, 200, 200,
    ])
  })
})

test.each<[string, unknown]>([
  ['no JSON', 'hello'],
  ['nothing', ''],
  ['bytes of no text', Buffer.from([0xff, 0xfe, 0]).toString('latin1')],
  ['no object', '[]'],
  ['a number', '1'],
  ['null', 'null'],
  ['deep nesting', '['.repeat(1_000_000)],
  ['deep and whole', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ['another version', { ...INITIALIZE, jsonrpc: '1.0' }],
  ['a beginning without a client', { ...INITIALIZE, params: {} }],
  ['a call without a beginning', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }],
  ['two beginnings at once', [INITIALIZE, INITIALIZE]],
  [
    'a protocol that is none',
    { jsonrpc: '2.0', id: 1, method: 'x', params: { _meta: { 'io.modelcontextprotocol/protocolVersion': 7 } } },
  ],
])('%s is refused, and the server goes on', async (_, body) => {
  const { status, body: said } = await send({ body })
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  expect(said).not.toMatch(/node_modules|\.ts:|at .*\(/)
  await using one = await connected(config)
  expect(await one.says('echo', { text: 'on' })).toBe('on')
  expect((await logOf(server.run.folder)).of('tool-start')).toHaveLength(1)
})

describe.each(ERAS)('%s', (era) => {
  test('an input that is very deep, or very long, is refused and logged', async () => {
    await using one = await connected(config, { era })
    let deep: unknown = 'x'
    for (let n = 0; n < 200; n++) deep = [deep]
    for (const text of [deep, 'x'.repeat(1_100_000)]) {
      const result = await one.call('echo', { text })
      expect(textOf(result)).toMatch(/not valid/)
      expect(result.isError).toBe(true)
    }
    expect(one.client.getServerVersion()?.name).toBe('seer')
  })

  test('the log’s words for who it was are those of its name, or none', async () => {
    for (const [name, by] of [
      ['Claude Code', 'agent:claude-code'],
      ['système', 'agent:systeme'],
      ['system', 'agent:system'],
      ['/../', 'agent:outside'],
      ['研究', 'agent:outside'],
    ]) {
      await using one = await connected(config, { era, name: name! })
      await one.call('echo', { text: '' })
      expect((await logOf(server.run.folder)).of('tool-end').at(-1)?.by).toBe(by)
      await one.transport.terminateSession()
    }
  })

  test('what the run hides is hidden from who is outside, too', async () => {
    server.run.redactor.keep([{ name: 'TOKEN', value: 'a-secret-of-the-run' }])
    await using one = await connected(config, { era })
    expect(await one.says('echo', { text: 'It is a-secret-of-the-run.' })).toBe('It is [secret TOKEN].')
  })

  test('a server that is withdrawn is there for nobody, and ends what is going on', async () => {
    const hang = defineTool({
      ...echo,
      name: 'hang',
      execute: (_, { signal }) =>
        new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    })
    const other = await publish('other', { ...server, tools: [hang] })
    const one = await connected(other.config, { era })
    const call = one.call('hang', { text: '' })
    await expect.poll(async () => (await logOf(server.run.folder)).of('tool-start').length).toBe(1)
    other.withdraw()
    expect(await call).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('interrupted') }] })
    await expect
      .poll(async () => (await logOf(server.run.folder)).of('tool-end'))
      .toMatchObject([{ structured: { error: 'interrupted' } }])
    await expect(connected(other.config, { era })).rejects.toThrow(/404|fetch failed|refused|did not offer|POSTing/)
    await one.client.close().catch(() => undefined)
  })
})

test('half a request, and one that reads nothing, do no harm', async () => {
  const { port, pathname } = new URL(serverOf(config).url)
  const head = `POST ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${tokenOf(config)}\r\n`
  for (const text of [
    'GET',
    head,
    `${head}Content-Length: 100\r\n\r\n{"a`,
    `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ]) {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(text)
    onTestFinished(() => void socket.destroy())
  }
  expect((await send()).status).toBe(200)
})

test('the token stands in nothing that the run leaves', async () => {
  await using one = await connected(config)
  await one.call('echo', { text: 'x' })
  await server.run.end('completed')
  const secret = tokenOf(config).slice(7)
  const files = readdirSync(server.run.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  expect(files.length).toBeGreaterThan(2)
  for (const { parentPath, name } of files)
    expect([name, readFileSync(join(parentPath, name), 'latin1').includes(secret)]).toEqual([name, false])
})

test('a run that ends takes its server with it', async () => {
  await server.run.end('completed')
  await expect(connected(config)).rejects.toThrow(/404|fetch failed|refused|did not offer|POSTing/)
})

test('it keeps no process alive', async () => {
  const code = `import { publish } from ${JSON.stringify(join(repository, 'src/mcp/local.ts'))}
import { newRun } from ${JSON.stringify(join(repository, 'test/fixtures/memory-run.ts'))}
import { connected } from ${JSON.stringify(join(repository, 'test/fixtures/mcp-client.ts'))}
const { config } = await publish('tools', { run: newRun(), tools: [], settle: () => Promise.resolve() })
console.log(config.mcpServers.tools.url)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=seer-source', '--input-type=module', '-e', code],
    { timeout: 20_000 },
  )
  expect(stdout).toContain('http://127.0.0.1:')
})
