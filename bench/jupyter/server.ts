/** A Jupyter server on loopback, as it is unless told otherwise, with nothing of the user's own; and jupyter-mcp-server, in it and beside it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Place {
  readonly python: string
  /** What `uv pip install --target` has filled. */
  readonly peers: string
  /** An empty folder. */
  readonly folder: string
}

export interface JupyterServer extends AsyncDisposable {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Of its MCP extension, which wants the server's token. */
  readonly mcpUrl: string
  readonly root: string
  readonly startKernel: () => Promise<string>
  readonly connectionFile: (kernel: string) => string
}

const TOKEN = 'bench'

export async function startJupyterServer(place: Place): Promise<JupyterServer> {
  const { folder } = place
  const [root, runtime] = ['root', 'runtime'].map((name) => join(folder, name)) as [string, string]
  for (const path of [root, runtime, join(folder, 'home')]) mkdirSync(path, { recursive: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const headers = { Authorization: `token ${TOKEN}` }
  const child = start(place, 'jupyter_server', [
    '--allow-root',
    '--no-browser',
    '--ip=127.0.0.1',
    `--port=${port}`,
    '--ServerApp.port_retries=0',
    `--ServerApp.root_dir=${root}`,
  ])
  await answers(child, `${url}/api/status`, headers)
  return {
    url,
    headers,
    mcpUrl: `${url}/mcp`,
    root,
    async startKernel() {
      const response = await fetch(`${url}/api/kernels`, { method: 'POST', headers })
      return ((await response.json()) as { id: string }).id
    },
    connectionFile(kernel) {
      const name = readdirSync(runtime).find((file) => file.includes(kernel))
      if (name === undefined) throw new Error(`no connection file of ${kernel}`)
      return join(runtime, name)
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

/** The way in which it is set up by its own guide, but for HTTP instead of stdio. Its kernels are those of the Jupyter server. */
export async function startMcpServer(place: Place, { url }: JupyterServer): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort()
  const child = start(
    place,
    'jupyter_mcp_server',
    ['start', '--transport=streamable-http', '--host=127.0.0.1', `--port=${port}`, '--start-new-code-sandbox=false'],
    { JUPYTER_URL: url, MCP_TOKEN: TOKEN },
  )
  const own = `http://127.0.0.1:${port}`
  await answers(child, `${own}/api/healthz`, { Authorization: `Bearer ${TOKEN}` })
  return { url: `${own}/mcp`, [Symbol.asyncDispose]: () => end(child) }
}

export const mcpHeaders = { Authorization: `Bearer ${TOKEN}` }

function start({ python, peers, folder }: Place, module: string, args: string[], more: Record<string, string> = {}) {
  const log = openSync(join(folder, `${module}.log`), 'a')
  const at = (name: string) => join(folder, name)
  return spawn(python, ['-m', module, ...args], {
    cwd: folder,
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'],
      PYTHONPATH: peers,
      PYTHONDONTWRITEBYTECODE: '1',
      HOME: at('home'),
      IPYTHONDIR: at('ipython'),
      JUPYTER_CONFIG_PATH: join(peers, 'etc/jupyter'),
      JUPYTER_PATH: join(peers, 'share/jupyter'),
      JUPYTER_CONFIG_DIR: at('config'),
      JUPYTER_DATA_DIR: at('data'),
      JUPYTER_RUNTIME_DIR: at('runtime'),
      JUPYTER_TOKEN: TOKEN,
      ...more,
    },
  })
}

/** It ends its kernels itself. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(timer)
}

/** Anything but a refused connection counts. */
async function answers(child: ChildProcess, url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${child.spawnargs.join(' ')}`)
    const response = await fetch(url, { headers }).catch(() => undefined)
    if (response) return
    await sleep(200)
  }
  throw new Error(`nothing answers at ${url}`)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((closed) => probe.close(closed))
  return typeof address === 'object' && address ? address.port : 0
}
