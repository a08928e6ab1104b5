/** How the run of a plain script ends, in real processes. */
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { readEvents } from './log-reader.ts'
import { listRuns } from './paths.ts'

const here = (name: string) => JSON.stringify(join(import.meta.dirname, name))
const PREAMBLE = `import { useRun } from ${here('current.ts')}
import { openScriptRun } from ${here('script-run.ts')}
const use = useRun(undefined, openScriptRun)
const sandbox = { [Symbol.asyncDispose]: () => use.release() }
`

async function endOf(script: string, signal?: NodeJS.Signals) {
  const folder = newFolder()
  const file = join(folder, 'my script.ts')
  writeFileSync(file, PREAMBLE + script)
  const child = spawn(process.execPath, ['--conditions=seer-source', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  // It says something when it is ready to be stopped.
  if (signal) child.stdout.once('data', () => child.kill(signal))
  const [code, name] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (...end) => resolve(end)),
  )
  const runs = await Promise.all(
    listRuns(join(folder, 'outputs')).map(async (run) => {
      const { events, problems } = await readEvents(join(folder, 'outputs', run, 'events.jsonl'))
      expect(problems).toEqual([])
      expect(existsSync(join(folder, 'outputs', run, 'run.lock'))).toBe(false)
      expect(existsSync(join(folder, 'outputs', run, 'notebook.ipynb'))).toBe(true)
      return events.filter(({ type }) => type === 'run-end')
    }),
  )
  return {
    code: code ?? name,
    stderr,
    ends: runs.map(
      ([end, ...more]) => (expect(more).toEqual([]), end as unknown as { status: string; error?: { message: string } }),
    ),
  }
}

test.each([
  ['lets go, and is done', 'await use.release()', 0, 'completed'],
  ['forgets to let go', '', 0, 'completed'],
  ['lets go by await using', 'await using _ = sandbox', 0, 'completed'],
  ['throws; await using lets go first', 'await using _ = sandbox; throw new Error("mine")', 1, 'failed'],
  ['rejects and nobody listens', 'void Promise.reject(new Error("mine")); await use.release()', 1, 'failed'],
  ['catches, and says so by its exit code', 'await use.release(); process.exitCode = 3', 3, 'failed'],
  ['calls process.exit', 'process.exit(4)', 4, 'failed'],
  ['calls process.exit(0)', 'process.exit(0)', 0, 'completed'],
  [
    'fails a while after it has let go',
    'await use.release(); await new Promise(r => setTimeout(r, 300)); throw new Error("mine")',
    1,
    'failed',
  ],
  [
    'handles its errors and goes on',
    'process.on("uncaughtException", () => {}); setTimeout(() => { throw new Error("mine") }, 1); setTimeout(() => use.release(), 50)',
    0,
    'completed',
  ],
])('a script that %s', async (_, script, code, status) => {
  const end = await endOf(script)
  expect({ code: end.code, status: end.ends[0]?.status }).toEqual({ code, status })
  const known = script.includes('mine') && status === 'failed' ? 'mine' : undefined
  expect(end.ends[0]?.error?.message).toBe(known)
})

test('two sandboxes one after the other are two runs, each with its end', async () => {
  const { ends } = await endOf(
    'await use.release(); const again = useRun(undefined, openScriptRun); await again.release()',
  )
  expect(ends.map(({ status }) => status)).toEqual(['completed', 'completed'])
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s: interrupted, and the process dies of it as it would without us',
  async (signal) => {
    const { code, ends } = await endOf('setInterval(() => {}, 1000); console.log("up")', signal)
    expect([code, ends[0]?.status]).toEqual([signal, 'interrupted'])
  },
)

test('a script that handles Ctrl-C itself is left to do so', async () => {
  const { code, ends } = await endOf(
    'const stay = setInterval(() => {}, 1000); process.on("SIGINT", () => { clearInterval(stay); use.run.emit({ type: "notice-add", by: "system", level: "info", code: "c", text: "still writing" }); void use.release() }); console.log("up")',
    'SIGINT',
  )
  expect([code, ends[0]?.status]).toEqual([0, 'interrupted'])
})

test('what must not outlive the run is ended by a script that forgot it', async () => {
  const { ends, stderr } = await endOf(
    'use.run.beforeEnd(async () => { await new Promise(r => setTimeout(r, 50)); console.error("ended it") })',
  )
  // Behind what every script is told first.
  expect([ends[0]?.status, stderr.split('\n').slice(-2)]).toEqual(['completed', ['ended it', '']])
})
