/**
 * A cell through Seer's MCP server and in process, against jupyter_client, a Jupyter server's websocket and the PyPI package
 * jupyter-mcp-server, each on a kernel and in a notebook of its own that grows; rounds are interleaved. Peers are installed elsewhere:
 *
 *     uv pip install --target DIR jupyter-mcp-server==2.2.4 ipykernel==7.4.0 jupyter_client==8.10.0
 *     node --conditions=seer-source bench/mcp-cell.ts DIR [--rounds 50] [--stages 0,100,1000]
 *
 * As root, `unshare -n sh -c 'ip link set lo up && exec node …'` keeps the peers from reaching anything but loopback.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createNotebookSession, runTool, Sandbox, Workspace, type NotebookSession } from '../src/index.ts'
import { mcpHeaders, startJupyterServer, startMcpServer } from './jupyter/server.ts'
import { openWebsocket } from './jupyter/websocket.ts'
import { machineLine, peerOn, quantile } from './setting.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '50' }, stages: { type: 'string', default: '0,100,1000' } },
})
const rounds = Number(values.rounds)
const stages = values.stages.split(',').map(Number)
const [peers = ''] = positionals
const CODES = { '1+1': '1+1', '1 KB': 'print("0123456789abcde\\n" * 64, end="")' } as const
type Name = keyof typeof CODES
const SAID: Record<Name, string> = { '1+1': '2', '1 KB': '0123456789abcde\n0123456789abcde' }
/** A call takes the standalone jupyter-mcp-server a second: every so many rounds. */
const SLOW = 5
const PEER = 'jupyter_client'

interface Way {
  readonly name: string
  /** Runs a cell, and returns its time and what came of it. */
  readonly cell: (code: string) => Promise<{ ms: number; text: string }>
  /** Brings its notebook to so many cells. */
  readonly growTo: (cells: number) => Promise<void>
  readonly every: number
}

const scratch = mkdtempSync(join(tmpdir(), 'seer-bench-'))
process.chdir(scratch)
await using sandbox = await Sandbox.start()
await using stack = new AsyncDisposableStack()
const ways: Way[] = [...(await seerWays()), ...(peers === '' ? [] : await peerWays())]

const found = new Map<string, number[]>()
/** Answers of others that did not have the cell's output. */
const wrong = new Map<string, number>()
for (const stage of stages) {
  for (const way of ways) await way.growTo(stage)
  for (let round = 0; round < rounds; round++) {
    for (const code of Object.keys(CODES) as Name[]) {
      for (let i = 0; i < ways.length; i++) {
        // Each is first in its turn.
        const way = ways[(i + round) % ways.length]!
        if (round % way.every === 0) record(stage, code, way, await way.cell(CODES[code]))
      }
    }
  }
  console.error(`with ${stage} cells before: ${machineLine()}`)
}
for (const code of Object.keys(CODES) as Name[]) print(code)
for (const [name, count] of wrong) console.log(`${name}: ${count} answers without the output.`)
console.log(machineLine())

function samplesOf(stage: number, code: Name, way: string): number[] {
  const key = `${stage} ${code} ${way}`
  const samples = found.get(key) ?? []
  found.set(key, samples)
  return samples
}

function record(stage: number, code: Name, { name }: Way, { ms, text }: { ms: number; text: string }): void {
  samplesOf(stage, code, name).push(ms)
  if (text.includes(SAID[code])) return
  if (name.startsWith('Seer')) throw new Error(`${name} says of ${code}: ${text.slice(0, 300)}`)
  wrong.set(name, (wrong.get(name) ?? 0) + 1)
}

/** Medians, 95th percentiles in brackets, and what the median is of that of jupyter_client. */
function print(code: Name): void {
  const heads = stages.map((stage) => `ms, ${stage} cells before`)
  console.log(`| ${[code, ...heads, 'ratio'].join(' | ')} |\n|${'---|'.repeat(stages.length + 2)}`)
  for (const { name } of ways) {
    const all = stages.map((stage) => [samplesOf(stage, code, name), samplesOf(stage, code, PEER)] as const)
    const times = all.map(([own]) => `${quantile(own, 0.5).toFixed(1)} (${quantile(own, 0.95).toFixed(1)})`)
    const ratios = all.map(([own, peer]) => (quantile(own, 0.5) / quantile(peer, 0.5)).toFixed(1))
    console.log(`| ${[name, ...times, ratios.join(', ')].join(' | ')} |`)
  }
  console.log('')
}

async function timed(work: () => Promise<string>): Promise<{ ms: number; text: string }> {
  const startedAt = performance.now()
  const text = await work()
  return { ms: performance.now() - startedAt, text }
}

/** One that grows cell by cell. */
function growing(name: string, cell: Way['cell']): Way {
  let cells = 0
  const counted: Way['cell'] = (code) => {
    cells += 1
    return cell(code)
  }
  const growTo = async (wanted: number) => {
    for (let missing = wanted - cells; missing > 0; missing--) await counted(CODES[missing % 2 === 0 ? '1+1' : '1 KB'])
  }
  return { name, cell: counted, growTo, every: 1 }
}

async function seerWays(): Promise<Way[]> {
  const open = async () => stack.use(await createNotebookSession(sandbox, new Workspace()))
  const { url, headers } = (await open()).mcpConfig.mcpServers['notebook']!
  const http = await mcpClient(url, headers ?? {})
  const [tools, plain] = [await open(), await open()]
  return [
    growing('Seer, MCP over HTTP', (code) => timed(() => http('execute_code', { code }))),
    growing('Seer, session.tools', (code) => timed(() => byTool(tools, code))),
    growing('Seer, session.exec', (code) => timed(async () => (await plain.exec(code)).text)),
  ]
}

async function byTool(session: NotebookSession, code: string): Promise<string> {
  const { emit, storeArtifact } = sandbox.run
  const context = { emit, by: 'agent:bench', signal: new AbortController().signal, storeArtifact } as const
  const call = { id: randomUUID(), name: 'execute_code', input: { code } }
  const { content } = await runTool(session.tools, call, context)
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
}

async function mcpClient(url: string, headers: Readonly<Record<string, string>>) {
  const client = new Client({ name: 'bench', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }))
  stack.defer(() => client.close())
  return async (name: string, args: Record<string, unknown>): Promise<string> => {
    const { content } = await client.callTool({ name, arguments: args })
    return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
  }
}

async function peerWays(): Promise<Way[]> {
  const folder = join(scratch, 'jupyter')
  mkdirSync(folder)
  const place = { python: sandbox.python, peers, folder }
  const jupyter = stack.use(await startJupyterServer(place))
  const mcp = stack.use(await startMcpServer(place, jupyter))
  const client = stack.use(
    await peerOn(jupyter.connectionFile(await jupyter.startKernel()), sandbox.python, { PYTHONPATH: peers }),
  )
  const socket = stack.use(await openWebsocket(jupyter, await jupyter.startKernel()))
  const inside = await mcpClient(jupyter.mcpUrl, jupyter.headers)
  const beside = await mcpClient(mcp.url, mcpHeaders)
  return [
    growing(PEER, async (code) => {
      const { ms, text } = await client.cell(code, { history: true })
      return { ms, text }
    }),
    growing('Jupyter websocket', (code) => timed(() => socket.cell(code))),
    ...jupyterMcpWays('jupyter-mcp-server in Jupyter', 'inside', inside, jupyter.root, 1),
    ...jupyterMcpWays('jupyter-mcp-server', 'beside', beside, jupyter.root, SLOW),
  ]
}

/** Its notebook is brought to its length as a file: at a second a cell it would take long to get there. */
function jupyterMcpWays(
  name: string,
  stem: string,
  call: Awaited<ReturnType<typeof mcpClient>>,
  root: string,
  every: number,
): Way[] {
  const growTo = async (cells: number) => {
    const path = `${stem}-${cells}.ipynb`
    writeFileSync(join(root, path), notebookOf(cells))
    await call('use_notebook', { notebook_name: path, notebook_path: path, mode: 'connect', kernel_id: 'NEW' })
  }
  return [
    {
      name: `${name}, insert_execute_code_cell`,
      cell: (code) => timed(() => call('insert_execute_code_cell', { cell_index: -1, cell_source: code })),
      growTo,
      every,
    },
    {
      name: `${name}, execute_code`,
      cell: (code) => timed(() => call('execute_code', { code })),
      growTo: () => Promise.resolve(),
      every,
    },
  ]
}

function notebookOf(count: number): string {
  const cells = Array.from({ length: count }, (_, i) => ({
    id: `cell-${i}`,
    cell_type: 'code',
    execution_count: i + 1,
    metadata: {},
    source: CODES[i % 2 === 0 ? '1+1' : '1 KB'],
    outputs:
      i % 2 === 0
        ? [{ output_type: 'execute_result', execution_count: i + 1, data: { 'text/plain': '2' }, metadata: {} }]
        : [{ output_type: 'stream', name: 'stdout', text: '0123456789abcde\n'.repeat(64) }],
  }))
  const kernelspec = { name: 'python3', display_name: 'Python 3 (ipykernel)', language: 'python' }
  return JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 })
}
