/**
 * Clients that are not ours, at the server of a session with a real kernel: the official inspector and conformance tests, Python's
 * `mcp` in both versions, `fastmcp`, and the Claude Agent SDK. They are fetched from the package registries and talk to loopback only.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { loopbackClaude } from './foreign/loopback-claude.ts'
import { npmPackage, pythonPackage } from './fixtures/foreign-tools.ts'
import { serverOf } from './fixtures/mcp-client.ts'
import { repository } from './fixtures/place.ts'
import { killAll, processesOf } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState, startTried, type Tried } from './fixtures/walled.ts'

const foreign = join(import.meta.dirname, 'foreign')
const TOOLS = ['execute_code', 'add_markdown', 'edit_cell', 'wait_cell', 'read_output', 'interrupt', 'restart_kernel']
const FIGURE = `import base64
from IPython.display import Image, display
display(Image(data=base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")))`

let root: string
let tried: Tried
let url: string
let headers: Record<string, string>
beforeAll(async () => {
  root = ownState()
  mkdirSync(join(root, 'home'))
  tried = await startTried({ unconfined: false })
  ;({ url, headers } = serverOf(tried.session.mcpConfig))
})
afterAll(async () => {
  await tried[Symbol.asyncDispose]()
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const own = { HOME: join(root, 'home'), ...env }
  const started = promisify(execFile)(command, args, { env: { ...process.env, ...own }, cwd: root, timeout: 150_000 })
  return started.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ended) => error,
  )
}

const authorsOf = async () => (await logOf(tried.run.folder)).of('cell-start').map(({ by }) => by)

describe('the official inspector', () => {
  let inspector: string
  beforeAll(async () => {
    const modules = await npmPackage('@modelcontextprotocol/inspector', '2.12.0')
    inspector = join(modules, '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
  })
  const inspect = async (...args: string[]): Promise<unknown> => {
    const auth = `Authorization: ${headers['Authorization']}`
    const where = ['--cli', url, '--transport', 'http', '--header', auth]
    const { code, stdout, stderr } = await run(process.execPath, [inspector, ...where, ...args])
    if (code !== 0) throw new Error(`it ended with ${code}: ${stdout}${stderr}`)
    return JSON.parse(stdout)
  }

  test('lists tools whose schemas every client can read', async () => {
    const listed = (await inspect('--method', 'tools/list', '--strict')) as { tools: { name: string }[] }
    expect(listed.tools.map(({ name }) => name)).toEqual(expect.arrayContaining(TOOLS))
  })

  test('calls one, and reads resources', async () => {
    const code = 'code=print(6 * 7)'
    const called = await inspect('--method', 'tools/call', '--tool-name', 'execute_code', '--tool-arg', code)
    expect(called).toMatchObject({ content: [{}, { text: '42' }], structuredContent: { status: 'ok' } })
    expect(await inspect('--method', 'resources/list')).toMatchObject({ resources: [{ uri: 'seer://notebook.ipynb' }] })
    const read = await inspect('--method', 'resources/read', '--uri', 'seer://notebook.ipynb')
    expect(read).toMatchObject({ contents: [{ text: expect.stringContaining('print(6 * 7)') }] })
    expect(await authorsOf()).toContain('agent:inspector-cli')
  })
})

/** Those of the official scenarios that are not about what a model server of theirs does. They know no tokens: one is put in. */
test.each(['server-initialize', 'ping', 'tools-list', 'server-sse-multiple-streams', 'dns-rebinding-protection'])(
  'the official conformance tests: %s',
  async (scenario) => {
    const modules = await npmPackage('@modelcontextprotocol/conformance', '0.1.16')
    const at = await withToken()
    const tool = join(modules, '@modelcontextprotocol/conformance/dist/index.js')
    const { code, stdout } = await run(process.execPath, [tool, 'server', '--url', at, '--scenario', scenario])
    expect(stdout).toMatch(/Passed: ([1-9]\d*)\/\1, 0 failed, 0 warnings/)
    expect(code).toBe(0)
  },
)

/** What comes in here goes on with the session's token, and with its host where that is this machine. */
async function withToken(): Promise<string> {
  const { host, port, pathname } = new URL(url)
  const proxy = createServer((incoming, outgoing) => {
    const isHere = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(incoming.headers.host ?? '')
    const given = { ...incoming.headers, ...headers, ...(isHere ? { host } : {}) }
    const { method } = incoming
    const on = request({ host: '127.0.0.1', port, path: pathname, method, headers: given }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    on.on('error', () => outgoing.destroy())
    outgoing.on('close', () => on.destroy())
    incoming.pipe(on)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return `http://localhost:${(proxy.address() as AddressInfo).port}/mcp`
}

interface SeenByPython {
  readonly version: string
  readonly tools: string[]
  readonly told: string[]
  readonly notebook: number
  readonly resources: string[]
  readonly printed: unknown
  readonly figure: { content: unknown[] }
  readonly wrong: unknown
  readonly after: unknown
}

/** The url and the token, or the line of a client's configuration that is the same from run to run. */
const WAYS = {
  http: () => [url, headers['Authorization']!.slice('Bearer '.length)],
  stdio: () => [join(repository, 'seer'), 'mcp'],
}

test.each([
  ['1.30.0', 'http'],
  ['1.30.0', 'stdio'],
  ['2.3.0', 'http'],
  ['2.3.0', 'stdio'],
] as const)('Python’s mcp %s over %s', async (version, how) => {
  const { python, env } = await pythonPackage('mcp', version)
  const args = [join(foreign, 'python_client.py'), how, ...WAYS[how]()]
  const { code, stdout, stderr } = await run(python, args, env)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const seen = JSON.parse(stdout) as SeenByPython
  expect(seen).toMatchObject({
    version,
    tools: expect.arrayContaining(TOOLS),
    printed: { content: [{ type: 'text' }, { text: 'hello' }], structuredContent: { status: 'ok' } },
    wrong: { isError: true, content: [{ text: expect.stringContaining('cod') }] },
    // The call that was cancelled was stopped in the kernel, and its variables are there.
    after: { content: [{}, { text: '7' }] },
  })
  expect(seen.figure.content.at(-1)).toMatchObject({ type: 'image', mimeType: 'image/png' })
  expect(seen.told.at(-1)).toMatch(/^step \d$/)
  expect(seen.resources[0]).toBe('seer://notebook.ipynb')
  expect(seen.notebook).toBeGreaterThan(3)
  expect((await logOf(tried.run.folder)).of('cell-interrupt').at(-1)).toMatchObject({ by: 'system', how: 'message' })
  expect(await authorsOf()).toContain('agent:mcp')
})

test('fastmcp takes mcpConfig as it is', async () => {
  const { python, env } = await pythonPackage('fastmcp', '4.1.6')
  const args = [join(foreign, 'fastmcp_client.py'), JSON.stringify(tried.session.mcpConfig)]
  const { code, stdout, stderr } = await run(python, args, { ...env, FASTMCP_CHECK_FOR_UPDATES: 'off' })
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(JSON.parse(stdout)).toMatchObject({
    version: '4.1.6',
    tools: expect.arrayContaining(TOOLS) as string[],
    printed: { text: 'from fastmcp 42', structured: { status: 'ok' } },
    wrong: { isError: true, text: expect.stringContaining('cod') as string },
    told: expect.arrayContaining([expect.stringMatching(/^step \d$/)]) as string[],
    resources: expect.arrayContaining(['seer://notebook.ipynb']) as string[],
    notebook: expect.any(Number) as number,
  })
  expect((await logOf(tried.run.folder)).of('cell-start').at(-1)).toMatchObject({
    code: expect.stringContaining('step'),
  })
})

test.each(['http', 'stdio'] as const)('the Claude Agent SDK over %s', async (how) => {
  const modules = await npmPackage('@anthropic-ai/claude-agent-sdk', '0.3.332')
  const name = 'mcp__notebook__execute_code'
  await using api = await loopbackClaude([
    [{ id: 'toolu_1', name, input: { code: 'print("from claude", 6 * 7)' } }],
    [{ id: 'toolu_2', name, input: { code: FIGURE } }],
  ])
  const [command, ...args] = WAYS.stdio()
  const server = how === 'http' ? { type: how, url, headers } : { type: how, command, args }
  const given = { server, home: join(root, 'home'), api: api.url }
  const { code, stdout, stderr } = await run(process.execPath, [
    join(foreign, 'claude_agent.mjs'),
    modules,
    JSON.stringify(given),
  ])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const messages = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(messages[0]).toMatchObject({ mcp_servers: [{ name: 'notebook', status: 'connected' }] })
  expect(messages.at(-1)).toMatchObject({ type: 'result', subtype: 'success', result: 'Done.' })
  // What the model is told of a cell: what it printed, and the figure as one.
  const results = JSON.stringify(api.asked.at(-1)!.messages)
  expect(results).toContain('from claude 42')
  expect(results).toContain('"media_type":"image/png"')
  expect(JSON.stringify(api.asked[0]!.messages)).toContain('You work in a live notebook')
  expect((await authorsOf()).slice(-2)).toEqual(['agent:claude-code', 'agent:claude-code'])
})
