/**
 * A call of a served function from a cell of another sandbox, against the same function behind FastAPI and uvicorn with keep-alive. Both clients
 * are Python; rounds are interleaved. `uv pip install --target DIR fastapi uvicorn httpx requests numpy`, then:
 *
 *     node --conditions=seer-source bench/scoped-call.ts DIR
 */
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNotebookSession, Sandbox, ScopedSandbox, Workspace } from '../src/index.ts'
import { machineLine, quantile } from './setting.ts'

const [, , peers = ''] = process.argv
const ROUNDS = 10
const CALLS = 100
/** 10 MB of float32. */
const NUMBERS = 2_621_440

process.chdir(mkdtempSync(join(tmpdir(), 'seer-bench-')))
await using scoped = await ScopedSandbox.start({ pythonPackages: ['numpy'] })
const library = await scoped.serve(join(import.meta.dirname, 'scoped/interface.py'), {
  exposeAs: 'library',
  name: 'served',
})
await using sandbox = await Sandbox.start()
await using session = await createNotebookSession(sandbox, new Workspace({ libraries: [library] }))
const { status, text } = await session.exec(`
import json, threading, time, numpy as np, served
def timed(call):
    began = time.perf_counter(); call(); return (time.perf_counter() - began) * 1000
def at_once(n, call):
    threads = [threading.Thread(target=call) for _ in range(n)]
    return timed(lambda: ([t.start() for t in threads], [t.join() for t in threads]))
big = np.full(${NUMBERS}, 0.5, dtype=np.float32)
for _ in range(20): served.add(1.5, 2)`)
if (status !== 'ok') throw new Error(text)

const ours = {
  add: () => measured(`[timed(lambda: served.add(1.5, 2)) for _ in range(${CALLS})]`),
  double: () => measured('[timed(lambda: served.double(big))]'),
  wait: () => measured('[at_once(50, lambda: served.wait(0.1))]'),
}

async function measured(code: string): Promise<number[]> {
  const { status: ended, text: said } = await session.exec(`print(json.dumps(${code}))`)
  if (ended !== 'ok') throw new Error(said)
  return JSON.parse(said) as number[]
}

const port = await freePort()
const env = { ...process.env, PYTHONPATH: peers, OMP_NUM_THREADS: '1' }
const python = (file: string) =>
  spawn(sandbox.python, [join(import.meta.dirname, 'scoped', file), String(port)], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
const server = python('peer_server.py')
await sleep(3000)
const client = python('peer_client.py')
const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
const theirs = async (way: string, what: string, n: number): Promise<number[]> => {
  client.stdin.write(`${JSON.stringify({ way, what, n, numbers: NUMBERS })}\n`)
  return JSON.parse(String((await lines.next()).value)) as number[]
}
await theirs('requests', 'add', 20)
await theirs('httpx', 'add', 20)

const found: Record<string, number[]> = {}
const keep = (name: string, values: readonly number[]) => (found[name] ??= []).push(...values)
for (let round = 0; round < ROUNDS; round++) {
  keep('add, Seer', await ours.add())
  keep('add, FastAPI and requests', await theirs('requests', 'add', CALLS))
  keep('add, FastAPI and httpx', await theirs('httpx', 'add', CALLS))
  keep('50 at once of 100 ms, Seer', await ours.wait())
  keep('50 at once of 100 ms, FastAPI and httpx', await theirs('httpx', 'wait', 1))
  if (round >= 3) continue
  keep('10 MB there and back, Seer (array)', await ours.double())
  keep('10 MB there and back, FastAPI and requests (JSON lists)', await theirs('requests', 'double', 1))
}
server.kill()
client.kill()

console.log('| what | p50 ms | p95 ms | n |\n|---|---|---|---|')
for (const [name, values] of Object.entries(found)) {
  const [p50, p95] = [quantile(values, 0.5), quantile(values, 0.95)].map((value) => value.toFixed(2))
  console.log(`| ${name} | ${p50} | ${p95} | ${values.length} |`)
}
const ratio = (a: string, b: string) => (quantile(found[a]!, 0.5) / quantile(found[b]!, 0.5)).toFixed(2)
console.log(
  `\nRatios of medians: add ${ratio('add, Seer', 'add, FastAPI and requests')} (requests), ${ratio('add, Seer', 'add, FastAPI and httpx')} (httpx)`,
)
console.log(machineLine())

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => probe.once('listening', listening))
  const address = probe.address()
  await new Promise((closed) => probe.close(closed))
  return typeof address === 'object' && address ? address.port : 0
}
