/** The same trajectory, played by an agent of this process and by a client over HTTP, each on a kernel of its own: the same events. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Provider } from '../src/harness/agent.ts'
import { runAgent } from '../src/harness/run-agent.ts'
import type { RunEvent } from '../src/run/events.ts'
import { runTool } from '../src/tools/tool.ts'
import { connected, ERAS, type Era } from './fixtures/mcp-client.ts'
import { killAll, processesOf } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState, startTried, type Tried } from './fixtures/walled.ts'

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const TRAJECTORY: readonly (readonly [name: string, input: object])[] = [
  ['add_markdown', { text: '# A try' }],
  ['execute_code', { code: 'x = [n * n for n in range(10)]\nprint(sum(x))' }],
  ['execute_code', { code: '1 / 0' }],
  ['edit_cell', { cell: 'c4', code: '1 / 1' }],
  [
    'execute_code',
    {
      code: `import base64\nfrom IPython.display import Image, display\ndisplay(Image(data=base64.b64decode("${PIXEL}")))`,
    },
  ],
  ['execute_code', { code: 'print("long line " * 5000)' }],
  ['read_output', { cell: 'c7', from: 30_000, max_bytes: 100 }],
  [
    'execute_code',
    { code: 'import seer\nseer.record({"n": 1, "é": 0.5}, table="t")\nopen("out.csv", "w").write("a")' },
  ],
  ['save_artifact', { path: 'out.csv' }],
  ['save_artifact', { path: '../../etc/passwd' }],
  ['execute_code', { code: 'print(1)', more: true }],
  ['execute', {}],
  ['wait_cell', { cell: 'c3', seconds: 1 }],
  ['interrupt', {}],
  ['execute_code', { code: 'import os, time\ntime.sleep(0.3)\nos._exit(3)' }],
  ['execute_code', { code: 'x' }],
  ['restart_kernel', {}],
  ['execute_code', { code: 'x' }],
  ['submit_finding', { claim: 'It works.', confidence: 0.5, cells: ['c3'] }],
  ['submit_finding', { claim: 'It works twice.', confidence: 0.5, cells: ['c3'] }],
]

let root: string
beforeAll(() => void (root = ownState()))
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const player: Provider = {
  name: 'player',
  model: 'none',
  async run({ tools }, context) {
    for (const [n, [name, input]] of TRAJECTORY.entries())
      await runTool(tools, { id: `call-${n}`, name, input }, context)
    return { reason: 'finished' }
  },
}

async function inProcess({ session: { mcpConfig }, run }: Tried): Promise<void> {
  for await (const _ of runAgent({ prompt: 'P', mcpConfig, provider: player, run, quiet: true }));
}

function overHttp(era: Era) {
  return async ({ session }: Tried): Promise<void> => {
    await using one = await connected(session.mcpConfig, { era })
    for (const [name, input] of TRAJECTORY) await one.call(name, input)
  }
}

/** What Seer itself noted, and what came from the kernel: how the two lie between each other is a matter of luck. */
async function eventsOf(play: (tried: Tried) => Promise<void>): Promise<Record<'seer' | 'kernel', unknown[]>> {
  await using tried = await startTried({ unconfined: false })
  await play(tried)
  const { events } = await logOf(tried.run.folder)
  const played = events.slice(events.findIndex(({ type }) => type === 'tool-start'))
  const { seer = [], kernel = [] } = Object.groupBy(played, (event) => (event.kernel ? 'kernel' : 'seer'))
  return { seer: seer.map(comparable), kernel: merged(kernel.map(comparable)) }
}

/** Without what is another one each time: times, ids, processes, and who it was. */
function comparable(event: RunEvent): Record<string, unknown> {
  const { seq: _, at: __, run: ___, by, kernel, sandbox, ...rest } = event
  const changing = { call: 'c', pid: 0, durationMs: 0 }
  const same = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, key in changing ? changing[key as keyof typeof changing] : value]),
  )
  return {
    ...same,
    by: by.startsWith('agent:') ? 'agent' : by,
    ...(sandbox === undefined ? {} : { sandbox: 'sandbox' }),
    ...(kernel === undefined ? {} : { generation: kernel.generation }),
  }
}

/** A print may come in one piece or in two. */
function merged(events: Record<string, unknown>[]): unknown[] {
  const all: Record<string, unknown>[] = []
  for (const event of events) {
    const [before, now] = [streamOf(all.at(-1)), streamOf(event)]
    if (before && now && before.name === now.name && all.at(-1)!['cell'] === event['cell'])
      all[all.length - 1] = { ...event, output: { ...now, text: before.text + now.text } }
    else all.push(event)
  }
  return all
}

function streamOf(event: Record<string, unknown> | undefined) {
  const output = event?.['output'] as { output_type: string; name: string; text: unknown } | undefined
  return output?.output_type === 'stream' && typeof output.text === 'string'
    ? { ...output, text: output.text }
    : undefined
}

test('in process, and in each protocol', async () => {
  const expected = await eventsOf(inProcess)
  const starts = expected.seer.filter((event) => (event as RunEvent).type === 'tool-start')
  expect(starts).toHaveLength(TRAJECTORY.length)
  for (const era of ERAS) expect({ era, ...(await eventsOf(overHttp(era))) }).toEqual({ era, ...expected })
})
