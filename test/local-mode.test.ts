/** Experiment 0 from its recording, and with an agent that is scripted on loopback: the served model answers the notebook's code, and nothing else is reached. */
import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { resolveRun } from '../src/run/paths.ts'
import { readEvents } from '../src/run/log-reader.ts'
import type { RunEvent } from '../src/run/events.ts'
import { newFolder } from './fixtures/memory-run.ts'
import { loopbackMessages } from './loopback-messages.ts'

const root = resolve(import.meta.dirname, '..')
const CODE = `
import socket, openrouter_client
def ask(**more): return openrouter_client.ask(PARAMS["target"], "Name an animal.", max_tokens=12, **more)
greedy = ask(n=2, temperature=0)
sampled = ask(n=4, temperature=1.5)
try: reached = bool(socket.create_connection(("127.0.0.1", 22), timeout=2))
except OSError: reached = False
print(len(set(greedy)), len(set(sampled)) > 1, ask(n=1, temperature=1.5) == sampled[:1], reached)`

test('the served model is asked with and without sampling, by seed; no other port is there', async () => {
  const outputs = newFolder()
  await using server = await loopbackMessages([
    { calls: [{ id: 'toolu_1', name: 'execute_code', input: { code: CODE } }] },
    { calls: [{ id: 'toolu_2', name: 'wait_cell', input: { cell: 'c2' } }] },
    { calls: [{ id: 'toolu_3', name: 'wait_cell', input: { cell: 'c2' } }] },
    { say: 'Done.' },
  ])
  const env = { ...process.env, ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: 'loopback', NO_COLOR: '1' }
  const argv = ['--conditions=seer-source', 'src/cli/main.ts', 'run', 'local-mode', '--provider', 'claude']
  await promisify(execFile)(process.execPath, [...argv, '--output-dir', outputs], { cwd: root, env, timeout: 800_000 })
  const events = (await readEvents(join(resolveRun('latest', outputs), 'events.jsonl'))).events as RunEvent[]
  const printed = events.flatMap((event) =>
    event.type === 'cell-output' && event.by === 'agent:investigator' && event.output.output_type === 'stream'
      ? [event.output]
      : [],
  )
  expect(printed.filter(({ name }) => name === 'stdout').map(({ text }) => text)).toEqual(['1 True True False\n'])
  const session = events.find((event) => event.type === 'session-start')
  expect(session).toMatchObject({
    kind: 'local-notebook',
    models: [{ name: 'SmolLM2-135M-Instruct' }],
    libraries: [{ name: 'openrouter_client' }],
  })
  expect(events.filter((event) => event.type === 'run-end')).toMatchObject([{ status: 'completed' }])
}, 900_000)

test('its recording plays, as the README has it', async () => {
  const env = { ...process.env, NO_COLOR: '1' }
  const argv = [
    '--conditions=seer-source',
    'src/cli/main.ts',
    'run',
    'local-mode',
    '--json',
    '--output-dir',
    newFolder(),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: root, env, timeout: 800_000 })
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { drift: { exact: number } }
  expect(last).toMatchObject({ status: 'completed', recorded: true, findings: 1, drift: { missing: 0 } })
  // One of the cells prints how long it took.
  expect(last.drift.exact).toBeGreaterThanOrEqual(7)
}, 900_000)
