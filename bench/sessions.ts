/**
 * Many sessions on one sandbox, each with its own kernel: until all are ready, at once and one after the other, what they take of memory, and
 * whether each has its own output and nothing else. Against as many plain kernels of jupyter_client; rounds are interleaved.
 *
 *     node --conditions=seer-source bench/sessions.ts [--sessions 16] [--rounds 5]
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { createNotebookSession, Sandbox, Workspace, type NotebookSession } from '../src/index.ts'
import { crossTalk, talkAtOnce } from '../test/fixtures/cross-talk.ts'
import { processesOf } from '../test/fixtures/processes.ts'
import { machineLine, quantile } from './setting.ts'

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '16' }, rounds: { type: 'string', default: '5' } },
})
const [count, rounds] = [Number(values.sessions), Number(values.rounds)]
const [CELLS, LINES] = [5, 100]

type How = 'at once' | 'one by one'
interface Sample {
  readonly ms: number
  readonly mib: Readonly<Record<string, number>>
}

const scratch = mkdtempSync(join(tmpdir(), 'seer-bench-'))
process.chdir(scratch)
// What the processes are known by.
process.env['XDG_RUNTIME_DIR'] = scratch
process.env['IPYTHONDIR'] = join(scratch, 'ipython')
mkdirSync(process.env['IPYTHONDIR'])

const python = await pythonOfSandbox()
const found = new Map<string, Sample[]>()
for (let round = 0; round < rounds; round++) {
  for (const how of ['at once', 'one by one'] as const) {
    const both = [
      ['Seer', () => ours(how, round === 0 && how === 'at once')],
      ['jupyter_client', () => theirs(how)],
    ] as const
    for (const [name, measure] of round % 2 === 0 ? both : both.toReversed()) {
      const key = `${count} ${how}, ${name}`
      found.set(key, [...(found.get(key) ?? []), await measure()])
    }
  }
}

console.log('| what | s (median) | least | most | MiB (PSS, median) |\n|---|---|---|---|---|')
for (const [name, samples] of found) {
  const times = samples.map(({ ms }) => ms / 1000)
  const memory = Object.keys(samples[0]!.mib).map(
    (part) =>
      `${part} ${quantile(
        samples.map(({ mib }) => mib[part]!),
        0.5,
      ).toFixed(0)}`,
  )
  const figures = [quantile(times, 0.5), Math.min(...times), Math.max(...times)].map((value) => value.toFixed(2))
  console.log(`| ${name} | ${figures.join(' | ')} | ${memory.join(', ')} |`)
}
console.log(`\n${machineLine()}`)

async function ours(how: How, talks: boolean): Promise<Sample> {
  await using sandbox = await Sandbox.start()
  const before = pssMiB(process.pid)
  const open = () => createNotebookSession(sandbox, new Workspace())
  const sessions: NotebookSession[] = []
  const startedAt = performance.now()
  if (how === 'at once') sessions.push(...(await Promise.all(Array.from({ length: count }, open))))
  else for (let i = 0; i < count; i++) sessions.push(await open())
  const ms = performance.now() - startedAt
  const processes = processesOf(scratch)
  const sum = (...kinds: string[]) =>
    processes.filter(({ kind }) => kinds.includes(kind)).reduce((all, { pid }) => all + pssMiB(pid), 0)
  const mib = {
    kernels: sum('kernel'),
    host: sum('host', 'relay', 'spawner', 'wall'),
    'more in the harness': pssMiB(process.pid) - before,
  }
  if (talks) await talk(sandbox, sessions)
  return { ms, mib }
}

/** Throws where one has anything of another, or lacks a line. */
async function talk(sandbox: Sandbox, sessions: readonly NotebookSession[]): Promise<void> {
  const startedAt = performance.now()
  const said = await talkAtOnce(sessions, CELLS, LINES)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  await sandbox.terminate()
  await sandbox.run.end('completed')
  const wrong = await crossTalk(sandbox.run.folder, said)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  console.log(`${count} sessions, ${CELLS} cells of ${LINES} lines each, at once, in ${seconds} s: each has its own.\n`)
}

async function theirs(how: How): Promise<Sample> {
  const script = join(import.meta.dirname, 'jupyter', 'kernels.py')
  const { stdout } = await promisify(execFile)(python, [script, how, String(count)])
  const { ms, kernelsMiB, ownMiB } = JSON.parse(stdout) as { ms: number; kernelsMiB: number; ownMiB: number }
  return { ms, mib: { kernels: kernelsMiB, 'the manager': ownMiB } }
}

async function pythonOfSandbox(): Promise<string> {
  await using sandbox = await Sandbox.start()
  return sandbox.python
}

function pssMiB(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
