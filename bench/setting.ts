/** What every benchmark starts from: a real sandbox and session, and jupyter_client on the same kernel. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  createNotebookSession,
  readEvents,
  runTool,
  Sandbox,
  Workspace,
  type EventOf,
  type NotebookSession,
  type Run,
} from '../src/index.ts'

export interface Setting extends AsyncDisposable {
  readonly run: Run
  readonly session: NotebookSession
  readonly sandbox: Sandbox
  /** A cell as an agent runs it: tool, kernel, journal, log on the disk, outputs rendered for the model. */
  cell(code: string): Promise<number>
}

export async function openSetting(): Promise<Setting> {
  process.chdir(mkdtempSync(join(tmpdir(), 'seer-bench-')))
  const sandbox = await Sandbox.start()
  const session = await createNotebookSession(sandbox, new Workspace())
  const { run } = sandbox
  const context = {
    emit: run.emit,
    by: 'agent:bench',
    signal: new AbortController().signal,
    storeArtifact: run.storeArtifact,
  } as const
  let calls = 0
  return {
    run,
    session,
    sandbox,
    async cell(code) {
      const startedAt = performance.now()
      await runTool(session.tools, { id: `call-${calls++}`, name: 'execute_code', input: { code } }, context)
      return performance.now() - startedAt
    },
    async [Symbol.asyncDispose]() {
      await session.terminate()
      await sandbox.terminate()
    },
  }
}

interface PeerCell {
  readonly ms: number
  readonly chars: number
  /** The beginning of what came last. */
  readonly text: string
  readonly peakMiB: number
}

export interface Peer extends Disposable {
  /** `history`: as a cell that counts, which is IPython's default. */
  cell(code: string, options?: { history?: boolean }): Promise<PeerCell>
}

/** jupyter_client in a process of its own, on the kernel of the setting. */
export async function openPeer({ run, sandbox }: Setting): Promise<Peer> {
  const { events } = await readEvents(join(run.folder, 'events.jsonl'))
  const start = events.find((event): event is EventOf<'sandbox-start'> => event.type === 'sandbox-start')
  const runtimeDir = start?.attach['runtimeDir']
  if (typeof runtimeDir !== 'string') throw new Error(`${run.id} does not say where its sandbox is`)
  const connection = readdirSync(runtimeDir).find((name) => /^k-[0-9a-f]+\.json$/.test(name))
  if (!connection) throw new Error(`no connection file in ${runtimeDir}`)
  return peerOn(join(runtimeDir, connection), sandbox.python)
}

/** jupyter_client, on the kernel of a connection file. */
export async function peerOn(
  connectionFile: string,
  python: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Peer> {
  const child = spawn(python, [join(import.meta.dirname, 'jupyter_client_peer.py'), connectionFile], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return {
    async cell(code, { history = false } = {}) {
      child.stdin.write(`${JSON.stringify({ code, history })}\n`)
      const { value } = await lines.next()
      return JSON.parse(String(value)) as PeerCell
    },
    [Symbol.dispose]: () => void child.kill(),
  }
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

/** Without it a figure says nothing. */
export function machineLine(): string {
  return `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the end, Node ${process.versions.node}`
}
