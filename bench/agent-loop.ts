/**
 * From the start of an agent to its first request, and what a turn costs besides the model: `runAgent`, the AI SDK's `streamText`,
 * the Claude Agent SDK and a bare loop of `fetch`, on one loopback server, each conversation in a process of its own.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, execPath } from 'node:process'
import { isDeepStrictEqual, parseArgs, promisify } from 'node:util'
import { answeringServer, LAST_WORD } from './answering-server.ts'
import { INSTALL, installedVersion, missingPeers } from './peers/installed.ts'
import { machineLine, quantile } from './setting.ts'

const MAIN = join(import.meta.dirname, 'contenders', 'main.ts')
const ALONE = "unshare -rn sh -c 'ip link set lo up && exec node --conditions=seer-source bench/agent-loop.ts'"
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '11' }, turns: { type: 'string', default: '30' } },
})
const [rounds, turns] = [Number(values.rounds), Number(values.turns)]

interface Sample {
  readonly startMs: number
  readonly turnMs: number
  /** Imports, tools, a client: what is done once for a program, before the start. */
  readonly prepareMs: number
  readonly firstBytes: number
  readonly others: readonly string[]
}

const COLUMNS: readonly [string, (sample: Sample) => number][] = [
  ['start to first request ms', ({ startMs }) => startMs],
  ['with imports ms', ({ startMs, prepareMs }) => startMs + prepareMs],
  ['a turn ms', ({ turnMs }) => turnMs],
]

const scratch = mkdtempSync(join(tmpdir(), 'seer-bench-'))
mkdirSync(join(scratch, 'home'))
try {
  const names = contenders()
  const samples = new Map<string, Sample[]>(names.map((name) => [name, []]))
  // A first conversation each, not counted: it fills the disk's cache, and the Claude Agent SDK sets up its home.
  for (const name of names) await converse(name, 'first')
  for (let round = 0; round < rounds; round++) {
    // Each is first in its turn, and in every round each is measured once.
    const order = names.map((_, i) => names[(i + round) % names.length] ?? '')
    for (const name of order) samples.get(name)?.push(await converse(name, `${round}`))
  }
  print(samples)
} finally {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
}

function contenders(): string[] {
  const missing = missingPeers()
  if (missing.length > 0) {
    console.log(`Seer is measured without its peers. ${missing.join('; ')}. To install them:\n\n    ${INSTALL}\n`)
    return ['seer', 'bare-fetch']
  }
  const outside = Object.values(networkInterfaces()).some((all) => all?.some(({ internal }) => !internal))
  if (!outside) return ['seer', 'ai-sdk', 'claude-agent-sdk', 'bare-fetch']
  console.log(
    `The Claude Agent SDK is left out: it runs only where nothing but loopback can be reached.\n\n    ${ALONE}\n`,
  )
  return ['seer', 'ai-sdk', 'bare-fetch']
}

/** One conversation, which must be the same whoever has it: so many requests, so many calls, these results, that last word. */
async function converse(name: string, round: string): Promise<Sample> {
  const folder = join(scratch, `${name}-${round}`)
  mkdirSync(folder)
  await using server = await answeringServer(turns)
  const { stdout } = await promisify(execFile)(
    execPath,
    ['--conditions=seer-source', MAIN, name, server.url, String(turns), folder],
    {
      cwd: folder,
      timeout: 120_000,
      env: {
        PATH: env['PATH'],
        TMPDIR: tmpdir(),
        HOME: join(scratch, 'home'),
        ANTHROPIC_BASE_URL: server.url,
        ANTHROPIC_API_KEY: 'loopback-needs-none',
      },
    },
  )
  const said = JSON.parse(stdout) as { prepareMs: number; startedAt: string; toolCalls: number; lastWord: string }
  const { arrivals, results, others } = server
  const had = {
    requests: arrivals.length,
    toolCalls: said.toolCalls,
    lastWord: said.lastWord,
    results: results.map(digits),
  }
  const expected = {
    requests: turns + 1,
    toolCalls: turns,
    lastWord: LAST_WORD,
    results: Array.from({ length: turns }, (_, i) => `${i + 1}`),
  }
  if (!isDeepStrictEqual(had, expected))
    throw new Error(`${name} had another conversation: ${JSON.stringify({ had, expected, others })}`)
  const [first, last] = [arrivals[0] ?? 0n, arrivals[turns] ?? 0n]
  return {
    startMs: Number(first - BigInt(said.startedAt)) / 1e6,
    turnMs: Number(last - first) / 1e6 / turns,
    prepareMs: said.prepareMs,
    firstBytes: server.sizes[0] ?? 0,
    others,
  }
}

/** Of `"7"`, `[{"type":"text","text":"7"}]` and the like: `7`. */
function digits(result: string): string {
  return /\d+/.exec(result)?.[0] ?? result
}

function print(samples: ReadonlyMap<string, readonly Sample[]>): void {
  const median = (list: readonly number[]) => quantile(list, 0.5)
  const ours = samples.get('seer') ?? []
  console.log(`| | ${COLUMNS.map(([head]) => `${head} | range | ratio`).join(' | ')} | first request bytes |`)
  console.log(`|---${'|---'.repeat(COLUMNS.length * 3 + 1)}|`)
  for (const [name, theirs] of samples) {
    const cells = COLUMNS.flatMap(([, of]) => {
      const all = theirs.map(of)
      const ratio = median(theirs.map((sample, i) => of(ours[i] ?? sample) / of(sample)))
      return [median(all).toFixed(1), `${Math.min(...all).toFixed(1)}–${Math.max(...all).toFixed(1)}`, ratio.toFixed(2)]
    })
    console.log(`| ${[title(name), ...cells, median(theirs.map(({ firstBytes }) => firstBytes))].join(' | ')} |`)
  }
  console.log(`\nMedians of ${rounds} rounds of ${turns} turns; ratio: the median of Seer / it, round by round.`)
  for (const [name, all] of samples) {
    const others = new Set(all.flatMap((sample) => sample.others))
    if (others.size > 0) console.log(`Besides, ${name} sent: ${[...others].join(', ')}`)
  }
  console.log(machineLine())
}

function title(name: string): string {
  if (name === 'seer') return 'Seer `runAgent`'
  if (name === 'ai-sdk') return `AI SDK ${installedVersion('ai')} \`streamText\``
  if (name === 'claude-agent-sdk') return `Claude Agent SDK ${installedVersion(`@anthropic-ai/${name}`)} \`query\``
  return 'a bare loop of `fetch`'
}
