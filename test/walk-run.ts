/**
 * Runs one experiment with one cell from a copy of the checkout, and notes when it came to each function that the walk names: in
 * Node by the debugger, in Python by a tracer in the place of `boot.py`. The product itself knows nothing of it.
 */
import { spawn } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loopbackMessages } from './loopback-messages.ts'
import { root, type Hop } from './walk-document.ts'
import { Inspector } from './walk-inspector.ts'

export interface Hit {
  /** Nanoseconds of the machine's monotonic clock, the same in all its processes. */
  readonly at: bigint
  readonly file: string
  readonly name: string
  readonly labels: readonly string[]
}

export interface Walk {
  readonly hits: readonly Hit[]
  /** When each part of the walk began: the run, the call, the printing, the end. */
  readonly began: readonly bigint[]
  /** Files of which functions were called from the call to its result. */
  readonly files: ReadonlySet<string>
  readonly events: readonly { type: string; cell?: string; call?: string }[]
}

const EXPERIMENT = `
import { createNotebookSession, experiment, runAgent, Sandbox, Workspace, z } from 'seer-interp'
export default experiment({
  description: 'One cell.', params: z.strictObject({}), profiles: { embedded: {} },
  async run({ task }) {
    await using sandbox = await Sandbox.start()
    await using session = await createNotebookSession(sandbox, new Workspace())
    for await (const _ of runAgent({ prompt: task, mcpConfig: session.mcpConfig }));
  },
})`
const PATIENCE_MS = 120_000

/** Prints when the first gate opens and ends when the second does, so that no two things on the way happen at once. */
function cellCode(gates: readonly string[]): string {
  const patience = `for _ in range(${PATIENCE_MS / 20}):`
  const wait = (gate: string) =>
    `${patience}\n    if os.path.exists(${JSON.stringify(gate)}): break\n    time.sleep(0.02)`
  return ['import os, time', wait(gates[0]!), 'print("hello", flush=True)', wait(gates[1]!)].join('\n')
}

export async function walkOneCell(hops: readonly Hop[]): Promise<Walk> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'seer-walk-')))
  try {
    copyCheckout(folder)
    return await walkIn(folder, hops)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function copyCheckout(folder: string): void {
  for (const name of ['src', 'python', 'package.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  renameSync(join(folder, 'python/boot.py'), join(folder, 'python/real_boot.py'))
  cpSync(join(root, 'test/walk-boot.py'), join(folder, 'python/boot.py'))
  mkdirSync(join(folder, 'experiment'))
  writeFileSync(join(folder, 'experiment/experiment.ts'), EXPERIMENT)
  writeFileSync(join(folder, 'experiment/task.md'), 'Run one cell.\n')
}

async function walkIn(folder: string, hops: readonly Hop[]): Promise<Walk> {
  const trace = join(folder, 'python/trace.jsonl')
  writeFileSync(trace, '')
  const gates = ['print', 'end'].map((name) => join(folder, `gate-${name}`))
  await using api = await loopbackMessages([
    { calls: [{ id: 'toolu_1', name: 'execute_code', input: { code: cellCode(gates) } }] },
    { say: 'Done.' },
  ])
  const seer = startSeer(folder, { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url })
  try {
    await using inspector = await Inspector.attach(await seer.debugger, folder, trace)
    const taken: string[][] = []
    const take = async () => void taken.push(await inspector.filesCalled())
    for (const { file, name } of watchedBy(hops)) {
      const source = readFileSync(join(folder, file), 'utf8')
      await inspector.watch({ file, source, name }, ['runTool', hops.at(-1)!.name].includes(name) ? take : undefined)
    }
    await inspector.run()
    const began = await openGates(trace, gates, seer.done)
    await seer.done
    await inspector[Symbol.asyncDispose]()
    const status = await seer.ended
    if (status !== 0) throw new Error(`seer ended with ${status}: ${seer.said()}`)
    const hits = readTrace(trace)
    const end = hits.findLast(({ name }) => name === hops.at(-1)!.name)!.at
    const traced = hits.filter(({ at }) => at >= began[1]! && at <= end).map(({ file }) => file)
    return { hits, began, files: new Set([...taken.at(-1)!, ...traced]), events: readEvents(seer.said()) }
  } finally {
    await seer.stop()
  }
}

/** Beyond the rows, what the gates are opened by. */
function watchedBy(hops: readonly Hop[]): { file: string; name: string }[] {
  const journal = ['Journal.#take', 'Journal.#readOnce'].map((name) => ({ file: 'src/channel/journal.ts', name }))
  const all = [...hops.filter(({ file }) => file.startsWith('src/')), ...journal]
  return [...new Map(all.map(({ file, name }) => [`${file} ${name}`, { file, name }])).values()]
}

function startSeer(folder: string, env: Record<string, string>) {
  // Behind a wall the tracer could not write down what it sees.
  const command = ['src/cli/main.ts', 'run', 'experiment', '--provider', 'claude', '--unconfined', '--json']
  const child = spawn(process.execPath, ['--inspect-brk=127.0.0.1:0', '--conditions=seer-source', ...command], {
    cwd: folder,
    env: { ...process.env, ...env, XDG_STATE_HOME: join(folder, 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const address = Promise.withResolvers<string>()
  const done = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const url = /ws:\/\/127\.0\.0\.1:\S+/.exec(said)?.[0]
      if (url !== undefined) address.resolve(url)
      // Node ends only when its debugger has gone.
      if (said.includes('Waiting for the debugger to disconnect')) done.resolve()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  void ended.then(() => address.reject(new Error(`seer ended at its start: ${said}`)))
  void ended.then(() => done.resolve())
  return {
    /** All its work is done. */
    done: done.promise,
    debugger: address.promise,
    ended,
    said: () => said,
    /** Asked first, so that it ends its sandbox too. */
    async stop() {
      child.kill('SIGTERM')
      await Promise.race([ended, sleep(20_000, undefined, { ref: false })])
      child.kill('SIGKILL')
    },
  }
}

/** Opens a gate each time that all is quiet: what the cell has said is in the log, and the journal is asked for more. */
async function openGates(trace: string, gates: readonly string[], done: Promise<void>): Promise<bigint[]> {
  const over = new AbortController()
  void done.then(() => over.abort())
  const isQuietAfter = (hits: Hit[], from: bigint, kind: string) => {
    const taken = hits.find(({ at, name, labels }) => at > from && name === 'Journal.#take' && labels.includes(kind))
    return taken && hits.some(({ at, name }) => at > taken.at && name === 'Journal.#readOnce')
  }
  const until = async <T>(found: (hits: Hit[]) => T | undefined | false): Promise<T> => {
    for (let left = PATIENCE_MS; left > 0 && !over.signal.aborted; left -= 50) {
      const answer = found(readTrace(trace))
      if (answer) return answer
      await sleep(50)
    }
    throw new Error('The cell did not come as far as it should.')
  }
  const call = await until((hits) => hits.find(({ name }) => name === 'runTool'))
  const began = [0n, call.at]
  for (const [i, kind] of ['cell-begin', 'output'].entries()) {
    await until((hits) => isQuietAfter(hits, began.at(-1)!, kind))
    began.push(process.hrtime.bigint())
    writeFileSync(gates[i]!, '')
  }
  return began
}

function readTrace(trace: string): Hit[] {
  const lines = readFileSync(trace, 'utf8').split('\n').slice(0, -1)
  const hits = lines.map((line): Hit => {
    const [at, file, name, labels] = JSON.parse(line) as [string, string, string, (string | null)[]]
    return { at: BigInt(at), file, name, labels: labels.filter((label) => label !== null) }
  })
  return hits.sort((a, b) => (a.at < b.at ? -1 : 1))
}

/** The last line of `seer run --json` says where the run is. */
function readEvents(said: string): Walk['events'] {
  const { folder } = JSON.parse(/^\{.*\}$/m.exec(said)![0]) as { folder: string }
  const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Walk['events'][number])
}
